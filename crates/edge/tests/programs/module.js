// A module on the official Node SDK that uses everything an edge module can use; what it does is the same as
// module.py does. WEBSOCKETS and TOKEN_SECONDS choose transport and life of its tokens.
'use strict';

const { ModuleClient, Message } = require('azure-iot-device');
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
const { IotEdgeAuthenticationProvider } = require('azure-iot-device/dist/iotedge_authentication_provider');

const transport = process.env.WEBSOCKETS ? MqttWs : Mqtt;

function jsonMessage(value) {
  const message = new Message(JSON.stringify(value));
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  message.properties.add('a b', 'c/d');
  return message;
}

// As ModuleClient.fromEnvironment does it, with the provider's own option for the life of a token.
async function shortLived(seconds) {
  const provider = new IotEdgeAuthenticationProvider({
    workloadUri: process.env.IOTEDGE_WORKLOADURI,
    deviceId: process.env.IOTEDGE_DEVICEID,
    moduleId: process.env.IOTEDGE_MODULEID,
    iothubHostName: process.env.IOTEDGE_IOTHUBHOSTNAME,
    authScheme: process.env.IOTEDGE_AUTHSCHEME,
    gatewayHostName: process.env.IOTEDGE_GATEWAYHOSTNAME,
    generationId: process.env.IOTEDGE_MODULEGENERATIONID,
  }, seconds, seconds - 6);
  const ca = await new Promise((resolve, reject) =>
    provider.getTrustBundle((problem, bundle) => (problem ? reject(problem) : resolve(bundle))));
  const client = ModuleClient.fromAuthenticationProvider(provider, transport);
  // Together: a second call of setOptions would make the transport forget the certificate.
  await client.setOptions({ ca, productInfo: process.env.PRODUCT_INFO });
  return client;
}

async function main() {
  const seconds = Number(process.env.TOKEN_SECONDS || 0);
  const client = seconds ? await shortLived(seconds) : await ModuleClient.fromEnvironment(transport);
  client.on('error', (problem) => console.log('client error:', problem.message));
  await client.open();
  client.onMethod('echo', (request, response) => response.send(200, request.payload));
  client.onMethod('call', async (request, response) => {
    const { device, module, payload } = request.payload;
    const call = { methodName: 'echo', payload, responseTimeoutInSeconds: 10 };
    response.send(200, await client.invokeMethod(device, module, call));
  });
  client.on('inputMessage', async (input, message) => {
    await client.complete(message);
    const value = JSON.parse(message.getBytes().toString());
    await client.sendOutputEvent('passed', jsonMessage({ input, value }));
  });
  const twin = await client.getTwin();
  await new Promise((resolve, reject) =>
    twin.properties.reported.update({ read: twin.properties.desired.start, pid: process.pid },
      (problem) => (problem ? reject(problem) : resolve())));
  let first = true;
  twin.on('properties.desired', (patch) => {
    // The SDK fires once with the whole section when the handler is set.
    if (first) {
      first = false;
      return;
    }
    const { $version, ...saw } = patch;
    twin.properties.reported.update({ saw }, (problem) => problem && console.log('not reported:', problem.message));
  });
  console.log('ready');

  let number = 0;
  const timer = setInterval(() => {
    number += 1;
    client.sendOutputEvent('out', jsonMessage({ n: number }))
      .catch((problem) => console.log('not sent:', problem.message));
  }, 200);
  process.on('SIGTERM', async () => {
    clearInterval(timer);
    await client.close();
    process.exit(0);
  });
}

main().catch((problem) => {
  console.log('failed:', problem);
  process.exit(1);
});

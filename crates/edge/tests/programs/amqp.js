// A module that comes by AMQP, which the environment notices and does not speak.
'use strict';

const { ModuleClient } = require('azure-iot-device');
const { Amqp } = require('azure-iot-device-amqp');

ModuleClient.fromEnvironment(Amqp)
  .then((client) => client.open())
  .catch((problem) => console.log('not connected:', problem.message));

'use strict';

/** Answers for functions that were registered with a word where the code should be. */
exports.handler = (event, context) => ({
  message: 'Function executed successfully',
  functionName: context.functionName,
  instanceId: context.instanceId,
  payload: event,
  timestamp: new Date().toISOString(),
});

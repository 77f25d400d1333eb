import { ABackend, answer, call } from '../../../support/platform/a-backend.ts';

/** A platform to be killed: it tells the processes that it started, and then waits. */
const rig = new ABackend();
const looping = await rig.node('exports.handler = () => { for (;;); }');
const parent = await rig.node(
  'exports.handler = () => require("node:child_process").spawn("sleep", ["600"], { stdio: "ignore" }).pid',
);
const child = Number(await answer(parent));
const python = await rig.python('def handler(e):\n  while True: pass');
const stubborn = await rig.python(
  'import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef handler(e): return 1',
);
const executable = await rig.start(
  rig.version(
    '#!/bin/sh\ntrap "" TERM\ncurl -s "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" & while :; do sleep 1; done\n',
    { runtime: 'provided.al2023' },
  ),
);
void call(looping);
void call(python);
const pids = [looping, parent, python, stubborn, executable].map(({ pid }) => pid);
process.on('SIGTERM', () => {
  void rig.close().then(() => process.exit(0));
});
process.stdout.write(`${JSON.stringify({ folder: rig.folder, pids: [...pids, child] })}\n`);
setInterval(() => {}, 1_000);

import { parseArgs } from 'node:util';
import { ControlPlaneDouble } from './control-plane-double.ts';

/** A control plane of its own process, for drills: prints where it listens as one line of JSON, and ends on SIGTERM. */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    versions: { type: 'string', default: '0' },
    'max-instances': { type: 'string', default: '100' },
    'accepts-unfenced': { type: 'boolean', default: false },
    'without-pages': { type: 'boolean', default: false },
    bearer: { type: 'string' },
  },
});

const count = Number(values.versions);
const digits = Math.max(4, String(count).length);
const double = new ControlPlaneDouble({
  demandsToken: !values['accepts-unfenced'],
  hasScalingTargets: !values['without-pages'],
  ...(values.bearer === undefined ? {} : { auth: { bearer: values.bearer } }),
  versions: Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(digits, '0');
    return {
      versionId: `version-${number}`,
      functionId: `function-${number}`,
      account: 'account-1',
      maxInstances: Number(values['max-instances']),
    };
  }),
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    double.stop().then(() => process.exit(0));
  });
}

const url = await double.start({ port: Number(values.port), host: values.host });
process.stdout.write(`${JSON.stringify({ url, versions: count, pid: process.pid })}\n`);

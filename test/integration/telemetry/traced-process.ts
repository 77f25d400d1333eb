// Imported before tracing starts, as the adapters of the service are.
import axios from 'axios';
import { loadConfig } from '../../../src/config/load-config.ts';
import { startTelemetry } from '../../../src/telemetry/start-telemetry.ts';
import { withSpan } from '../../../src/telemetry/traces.ts';

const [, , endpoint = ''] = process.argv;
const settings = loadConfig().config.telemetry;
const telemetry = await startTelemetry({
  version: '0.0.0',
  memberId: 'traced',
  settings: {
    ...settings,
    logFormat: 'json',
    otlp: { ...settings.otlp, traces: true, metrics: true, endpoint },
    tracesRatio: 1,
  },
});
telemetry.meters.add('starling_loop_overruns_total', 1, { loop: 'scale' });
await withSpan({ name: 'run scaling' }, async () => {
  telemetry.logger.info('inside');
  await axios.get(`${endpoint}/called`, { maxRedirects: 0 });
});
await withSpan({ name: 'fail' }, () => Promise.reject(new Error('answered Bearer canary'))).catch(() => {});
process.stdout.write(await telemetry.render());
await telemetry.shutdown();

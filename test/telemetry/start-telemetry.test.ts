import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import type { FunctionPoint } from '../../src/telemetry/function-series.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/start-telemetry.ts';
import type { TelemetrySettings } from '../../src/telemetry/telemetry-settings.ts';

let running: Telemetry | undefined;

afterEach(async () => {
  await running?.shutdown();
  running = undefined;
});

const DEFAULTS = loadConfig().config.telemetry;

async function start(settings: Partial<TelemetrySettings> = {}): Promise<Telemetry> {
  const options = { version: '1.2.3', memberId: 'm/1' };
  running = await startTelemetry({ ...options, settings: { ...DEFAULTS, logLevel: 'silent', ...settings } });
  return running;
}

async function linesOf(telemetry: Telemetry, prefix: string): Promise<string[]> {
  return (await telemetry.render()).split('\n').filter((line) => line.startsWith(prefix));
}

function point(index: number, over: Partial<FunctionPoint> = {}): FunctionPoint {
  return {
    functionId: `f${index}`,
    versionId: `v${index}`,
    wanted: index,
    actual: index + 1,
    instancesMin: 0,
    instancesMax: 10,
    utilisation: 55,
    isPaused: false,
    decision: undefined,
    activity: index,
    ...over,
  };
}

describe('metrics', () => {
  it('are exported under the names of the catalogue, with the recorded values', async () => {
    const telemetry = await start();
    telemetry.meters.add('starling_loop_overruns_total', 2, { loop: 'scale' });
    telemetry.meters.add('starling_loop_overruns_total', 1, { loop: 'scale' });
    telemetry.meters.record('starling_store_request_seconds', 0.03, { operation: 'claim', outcome: 'ok' });
    telemetry.meters.set('starling_members', 3);
    expect(await linesOf(telemetry, 'starling_loop_overruns_total')).toEqual([
      'starling_loop_overruns_total{loop="scale"} 3',
    ]);
    expect(await linesOf(telemetry, 'starling_members ')).toEqual(['starling_members 3']);
    const buckets = await linesOf(telemetry, 'starling_store_request_seconds_bucket');
    expect(buckets[0]).toBe('starling_store_request_seconds_bucket{operation="claim",outcome="ok",le="0.005"} 0');
    expect(buckets).toContain('starling_store_request_seconds_bucket{operation="claim",outcome="ok",le="0.05"} 1');
    expect(await linesOf(telemetry, 'starling_build_info')).toEqual([
      `starling_build_info{version="1.2.3",node="${process.version}"} 1`,
    ]);
  });

  it('do not reset when they are scraped', async () => {
    const telemetry = await start();
    telemetry.meters.add('starling_loop_overruns_total', 1, { loop: 'x' });
    await telemetry.render();
    telemetry.meters.add('starling_loop_overruns_total', 1, { loop: 'x' });
    await telemetry.render();
    expect(await linesOf(telemetry, 'starling_loop_overruns_total')).toEqual([
      'starling_loop_overruns_total{loop="x"} 2',
    ]);
  });

  it('drop a gauge that was set to NaN, and keep the others', async () => {
    const telemetry = await start();
    telemetry.meters.set('starling_dependency_up', 1, { dependency: 'store' });
    telemetry.meters.set('starling_dependency_up', 0, { dependency: 'gone' });
    expect(await linesOf(telemetry, 'starling_dependency_up')).toHaveLength(2);
    telemetry.meters.set('starling_dependency_up', Number.NaN, { dependency: 'gone' });
    expect(await linesOf(telemetry, 'starling_dependency_up')).toEqual([
      'starling_dependency_up{dependency="store"} 1',
    ]);
  });

  it('treat 5 and "5" as the same label, and ignore numbers that would spoil a sum', async () => {
    const telemetry = await start();
    telemetry.meters.add('starling_loop_overruns_total', 1, { loop: 5 });
    telemetry.meters.add('starling_loop_overruns_total', 1, { loop: '5' });
    telemetry.meters.add('starling_loop_overruns_total', Number.NaN, { loop: '5' });
    telemetry.meters.add('starling_loop_overruns_total', -3, { loop: '5' });
    telemetry.meters.record('starling_loop_duration_seconds', Number.NaN, { loop: '5', result: 'ok' });
    expect(await linesOf(telemetry, 'starling_loop_overruns_total')).toEqual([
      'starling_loop_overruns_total{loop="5"} 2',
    ]);
    expect(await linesOf(telemetry, 'starling_loop_duration_seconds')).toEqual([]);
  });

  it('start counters without labels at zero', async () => {
    expect(await linesOf(await start(), 'starling_time_breaks_total')).toEqual(['starling_time_breaks_total 0']);
  });

  it('keep more series than the default limit of the SDK', async () => {
    const telemetry = await start();
    for (let index = 0; index < 3000; index += 1)
      telemetry.meters.add('starling_loop_overruns_total', 1, { loop: `l${index}` });
    const lines = await linesOf(telemetry, 'starling_loop_overruns_total');
    expect(lines).toHaveLength(3000);
    expect(lines.join()).not.toContain('overflow');
  });

  it('describe the process', async () => {
    const telemetry = await start();
    const text = await telemetry.render();
    const value = (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(Math.abs(value('process_start_time_seconds') - Date.now() / 1000)).toBeLessThan(3600);
    expect(value('starling_heap_used_bytes')).toBeLessThan(value('starling_heap_limit_bytes'));
  });

  it('give two concurrent scrapers the same page', async () => {
    const telemetry = await start();
    const [one, two] = await Promise.all([telemetry.render(), telemetry.render()]);
    expect(one).toBe(two);
  });
});

describe('series per function version', () => {
  it('have verdict and reason as labels once there is a decision', async () => {
    const telemetry = await start({ perFunction: 'all' });
    telemetry.setFunctionSeries(() => [
      point(1),
      point(2, { decision: { verdict: 'raise', reason: 'load-above-target' } }),
    ]);
    expect(await linesOf(telemetry, 'starling_function_decision_info{')).toEqual([
      'starling_function_decision_info{function_id="f2",function_version_id="v2",verdict="raise",reason="load-above-target"} 1',
    ]);
  });

  it('are off by default, but counted', async () => {
    const telemetry = await start();
    telemetry.setFunctionSeries(() => [point(1), point(2)]);
    expect(await linesOf(telemetry, 'starling_function_')).toEqual([]);
    expect(await linesOf(telemetry, 'starling_functions_not_exported ')).toEqual(['starling_functions_not_exported 2']);
    expect(await linesOf(telemetry, 'starling_wanted_instances ')).toEqual(['starling_wanted_instances 3']);
  });

  it('show the most active ones when capped, and say how many are left out', async () => {
    const telemetry = await start({ perFunction: 'capped', perFunctionLimit: 2 });
    telemetry.setFunctionSeries(() => [point(1), point(3), point(2)]);
    expect(await linesOf(telemetry, 'starling_function_wanted_instances{')).toEqual([
      'starling_function_wanted_instances{function_id="f3",function_version_id="v3"} 3',
      'starling_function_wanted_instances{function_id="f2",function_version_id="v2"} 2',
    ]);
    expect(await linesOf(telemetry, 'starling_functions_not_exported ')).toEqual(['starling_functions_not_exported 1']);
  });

  it('leave out unknown values, and escape text from outside', async () => {
    const telemetry = await start({ perFunction: 'all', perFunctionLimit: 1 });
    telemetry.setFunctionSeries(() => [
      point(1, { functionId: 'a"\n\\', actual: undefined, wanted: undefined, utilisation: 55 }),
    ]);
    expect(await linesOf(telemetry, 'starling_function_actual_instances')).toEqual([]);
    expect(await linesOf(telemetry, 'starling_function_utilisation_ratio')).toEqual([
      'starling_function_utilisation_ratio{function_id="a\\"\\n\\\\",function_version_id="v1"} 0.55',
    ]);
  });

  it('yield to the event loop while there are many', async () => {
    const telemetry = await start({ perFunction: 'all' });
    const many = Array.from({ length: 20_000 }, (_, index) => point(index));
    telemetry.setFunctionSeries(() => many);
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const text = await telemetry.render();
    isDone = true;
    expect(text.split('\n').filter((line) => line.startsWith('starling_function_wanted_instances{'))).toHaveLength(
      20_000,
    );
    expect(turns).toBeGreaterThan(50);
  });
});

describe('the names of the NVCF autoscaler', () => {
  it('have the same values, in the units of the NVCF autoscaler', async () => {
    const telemetry = await start({ peerNames: true, perFunction: 'all' });
    telemetry.meters.record('starling_timeseries_request_seconds', 0.02, { query: 'a', outcome: 'ok' });
    telemetry.meters.record('starling_timeseries_request_seconds', 0.03, { query: 'b', outcome: 'ok' });
    telemetry.meters.set('starling_dependency_up', 1, { dependency: 'store' });
    telemetry.meters.set('starling_dependency_up', 0, { dependency: 'timeseries' });
    telemetry.meters.add('starling_actuations_total', 4, { outcome: 'applied' });
    telemetry.meters.add('starling_actuations_total', 9, { outcome: 'failed' });
    telemetry.setFunctionSeries(() => [point(1)]);
    const lines = await linesOf(telemetry, 'nvcf_autoscaler_');
    for (const line of [
      'nvcf_autoscaler_timeseries_db_requests_total{status="ok"} 2',
      'nvcf_autoscaler_timeseries_db_request_duration_milliseconds_bucket{status="ok",le="25"} 1',
      'nvcf_autoscaler_timeseries_db_request_duration_milliseconds_bucket{status="ok",le="50"} 2',
      'nvcf_autoscaler_timeseries_db_request_duration_milliseconds_sum{status="ok"} 50',
      'nvcf_autoscaler_cassandra_health_status 1',
      'nvcf_autoscaler_health_component_status{component="timeseries_db_client"} 0',
      'nvcf_autoscaler_requests_processed_total 4',
      'nvcf_autoscaler_scaling_desired_instances{function_id="f1",function_version_id="v1"} 1',
      'nvcf_autoscaler_scaling_current_instances{function_id="f1",function_version_id="v1"} 2',
      'nvcf_autoscaler_scaling_utilization{function_id="f1",function_version_id="v1"} 55',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it('are absent by default', async () => {
    expect(await linesOf(await start(), 'nvcf_')).toEqual([]);
  });
});

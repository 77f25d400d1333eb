import { isSpanContextValid, trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type LogFn, type Logger } from 'pino';
import { scrub } from '../lib/scrub.ts';
import { errorFields } from './error-fields.ts';
import { LevelFilter } from './log-levels.ts';
import { prettyLine } from './pretty-line.ts';
import { maskFields } from './redact.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** A level, or levels by module: `info,store=debug`. */
  readonly level: string;
  readonly format: 'auto' | 'json' | 'pretty';
  readonly serviceName?: string;
  readonly version?: string;
  readonly memberId?: string;
  /** Standard output for a service, standard error for a command that prints results. */
  readonly to?: 'stdout' | 'stderr';
  /** Instead of `to`, where lines are caught. */
  readonly destination?: DestinationStream;
}

export interface Logs {
  readonly root: Logger;
  /** A logger that carries its module and listens to the level of that module. */
  of(module: string): Logger;
}

/** One JSON object a line. Levels are words, an error is a list of fields, and credentials are masked everywhere. */
export function createLogs(options: LoggerOptions): Logs {
  const filter = new LevelFilter(options.level);
  const root = pino(
    {
      level: filter.fallback,
      base: {
        'service.name': options.serviceName ?? 'starling',
        'service.version': options.version,
        'service.instance.id': options.memberId,
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: maskFields },
      serializers: { err: errorFields, error: errorFields },
      mixin: spanFields,
      hooks: {
        logMethod(args, method) {
          method.apply(this, scrubArguments(args));
        },
        streamWrite: escapeControls,
      },
    },
    destinationOf(options),
  );
  return { root, of: (module) => root.child({ module }, { level: filter.levelOf(module) }) };
}

function destinationOf({ destination, to = 'stdout', format }: LoggerOptions): DestinationStream {
  const stream = to === 'stdout' ? process.stdout : process.stderr;
  const isPretty = format === 'pretty' || (format === 'auto' && destination === undefined && stream.isTTY === true);
  // Synchronous, so that the last words of a crashing process are not lost; there are few lines a second.
  const sink = destination ?? pino.destination({ fd: to === 'stdout' ? 1 : 2, sync: true });
  if (!isPretty) return sink;
  const isColoured = stream.isTTY === true && !process.env['NO_COLOR'];
  return { write: (line) => void sink.write(prettyLine(line, { isColoured })) };
}

/** Ties a line to the cycle or call that it belongs to; nothing while tracing is off. */
function spanFields(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId, trace_flags: `0${context.traceFlags.toString(16)}` };
}

/** A message can carry a credential as well as a field can, and so can the message of an error logged bare. */
function scrubArguments(args: Parameters<LogFn>): Parameters<LogFn> {
  const [first, ...rest] = args as unknown[];
  const isBareError = first instanceof Error && rest.length === 0;
  const all = isBareError ? [{ err: first }, first.message] : [first, ...rest];
  return all.map((each) => (typeof each === 'string' ? scrub(each) : each)) as Parameters<LogFn>;
}

/** JSON escapes the old control characters; these are the newer ones that terminals obey as well. */
function escapeControls(line: string): string {
  return line.replace(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { depthOf } from '../call-depth.ts';
import { callerOf } from '../caller.ts';
import { isFromAnotherOrigin } from '../cross-origin.ts';
import type { DialectTools, OpenDialect } from '../dialect.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../host-guard.ts';
import { eventOf, sendResult } from '../http-event.ts';
import { readBody } from '../read-body.ts';
import { DefinedTriggers, isOwnPath } from './defined-triggers.ts';
import { lineOfCall, lineOfPoolEvent, type TaggedLine } from './event-lines.ts';
import { invoke } from './invoke.ts';
import { OrchestratorApi } from './orchestrator-api.ts';
import { forbidden, jsonOf, notAllowed, notFound, ok, type Reply, replyOf, send } from './replies.ts';
import { type ShownFunction, ShownFunctions, shownId } from './shown-functions.ts';
import { TagLog } from './tag-log.ts';

/** Source of 4 MiB as JSON, where a line break is two characters, and the rest of the definition. */
const DEFINITION_MAX_BYTES = 10 * 2 ** 20;
const NO_EVENT = Buffer.from('{}');

/** The platform as the Serverless Orchestrator. */
export function orchestratorDialect(tools: DialectTools): OpenDialect {
  const orchestrator = new Orchestrator(tools);
  return {
    onRequest: orchestrator.onRequest,
    refuseHost: (response) => send(response, { status: WRONG_HOST_STATUS, body: { error: WRONG_HOST_DETAIL } }),
    nameInstance: ({ versionId }) => orchestrator.nameInstance(versionId),
    started: (url) => orchestrator.started(url),
    stop: async () => orchestrator.stop(),
  };
}

interface ReadRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly bytes: Buffer;
}

class Orchestrator {
  readonly onRequest: RequestListener;
  readonly #tools: DialectTools;
  readonly #shown: ShownFunctions;
  readonly #tags: TagLog;
  readonly #api: OrchestratorApi;
  #instances = 0;
  #isStopping = false;

  constructor(tools: DialectTools) {
    this.#tools = tools;
    const { registry, triggers } = tools;
    this.#shown = new ShownFunctions(registry);
    this.#tags = new TagLog(tools);
    const defined = new DefinedTriggers(triggers);
    this.#api = new OrchestratorApi({ ...tools, triggers: defined, tags: this.#tags });
    for (const record of registry.functions('orchestrator')) this.#restoreTriggers(record, defined);
    this.#writeLines();
    this.onRequest = (request, response) => this.#answer(request, response);
  }

  /** Counted from 0 on with every start; undefined for the functions of others. */
  nameInstance(versionId: string): string | undefined {
    if (!this.#shown.of({ versionId })) return undefined;
    this.#instances += 1;
    return `inst-${this.#instances - 1}`;
  }

  started(url: string): void {
    const { logger } = this.#tools;
    const { port } = new URL(url);
    logger.info({ event: 'orchestrator.started' }, `Serverless Orchestrator listening on port ${port}`);
    logger.info({ event: 'orchestrator.started' }, `Health check: ${url}/health`);
    logger.info({ event: 'orchestrator.started' }, `Functions: ${url}/functions`);
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** A stop between a definition and its triggers left it without them. */
  #restoreTriggers(record: FunctionRecord, defined: DefinedTriggers): void {
    try {
      defined.set(record, { wanted: defined.read(record.triggers) });
    } catch (error) {
      const fields = { event: 'orchestrator.triggers-unknown', function: shownId(record), err: error };
      this.#tools.logger.warn(fields, 'the triggers of a function cannot be read');
    }
  }

  #writeLines(): void {
    const { registry, log, onPoolEvent } = this.#tools;
    const write = (shown: ShownFunction | undefined, line: TaggedLine | undefined) => {
      if (shown && line) this.#tags.write(line.tag, shown.id, line.text);
    };
    onPoolEvent((event) => {
      const shown = event.type === 'breach' ? undefined : this.#shown.of(event);
      write(shown, shown && lineOfPoolEvent(event, shown));
    });
    log.onCall((call) => {
      const shown = this.#shown.of(call);
      write(shown, shown && lineOfCall(call, shown));
    });
    // On whichever port it was deleted.
    registry.onChange((change) => {
      if (change.kind !== 'function-removed' || change.record.namespace !== 'orchestrator') return;
      const { name } = change.record;
      const id = shownId(change.record);
      write({ id, name }, { tag: 'REGISTRY', text: `Deleted function: ${id}` });
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/' } = request;
    const mark = url.indexOf('?');
    const [path, search] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
    const segments = segmentsOf(path);
    if (!segments) {
      send(response, notFound());
      return;
    }
    const maxBytes = this.#isDefinition(segments) ? DEFINITION_MAX_BYTES : this.#tools.payloadMaxBytes;
    readBody(request, maxBytes, (error, bytes) => {
      if (error) {
        this.#fail(response, error);
        return;
      }
      const query = new URLSearchParams(search);
      this.#reply({ request, response, path, segments, query, bytes }).then(
        (reply) => {
          if (reply) send(response, reply);
        },
        (thrown: unknown) => this.#fail(response, thrown),
      );
    });
  }

  #isDefinition([area, , part]: readonly string[]): boolean {
    return area === 'functions' && part === undefined;
  }

  /** Undefined: it was answered. */
  async #reply(read: ReadRequest): Promise<Reply | undefined> {
    const { request, segments, query, bytes } = read;
    // What HEAD asks for is sent without its body.
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    const [area, id = '', part, ...rest] = segments;
    if (isOwnPath(area) && method !== 'GET' && isFromAnotherOrigin(request)) return forbidden();
    if (area === 'health' && segments.length === 1) return this.#health(method);
    if (area === 'queues' && segments.length === 2) return this.#publish(method, id, bytes);
    if (area === 'functions' && part === 'invoke' && rest.length === 0 && method === 'POST')
      return this.#invoke(id, read);
    const reply = await this.#api.answer({ method, segments, query, body: () => jsonOf(bytes) });
    return reply ?? (await this.#trigger(read));
  }

  #health(method: string): Reply {
    if (method !== 'GET') return notAllowed('GET');
    return this.#isStopping
      ? { status: 503, body: { status: 'stopping' } }
      : { status: 200, body: { status: 'healthy' } };
  }

  /** What waits for the functions of a queue: the body is the event. */
  #publish(method: string, queue: string, bytes: Buffer): Reply {
    if (method !== 'POST') return notAllowed('POST');
    const payload = bytes.length === 0 ? NO_EVENT : bytes;
    jsonOf(payload);
    const { messageId } = this.#tools.triggers.publish(queue, payload);
    return { ...ok({ status: 'queued', messageId }), status: 202 };
  }

  async #invoke(id: string, { request, response, bytes }: ReadRequest): Promise<Reply> {
    const record = this.#tools.registry.find(id);
    if (record?.namespace !== 'orchestrator') {
      throw new PlatformError('function-unknown', `Error: Function not found: ${id}`);
    }
    const { versionId } = this.#api.activeVersion(record);
    const payload = bytes.length === 0 ? NO_EVENT : bytes;
    jsonOf(payload);
    const call = { versionId, payload, depth: depthOf(request), signal: callerOf(response) };
    return invoke(call, { id: shownId(record), name: record.name }, this.#tools);
  }

  async #trigger({ request, response, path, query, bytes }: ReadRequest): Promise<Reply | undefined> {
    const { triggers } = this.#tools;
    const route = triggers.matchHttp(request.method ?? 'GET', path, 'orchestrator');
    if (!route) return notFound();
    if (route.kind === 'wrong-method') return notAllowed(route.allow.join(', '));
    const { body } = await triggers.fire(route.trigger, {
      payload: eventOf(request, { path, query, params: route.params, bytes }),
      depth: depthOf(request),
      signal: callerOf(response),
    });
    sendResult(response, body);
    return undefined;
  }

  #fail(response: ServerResponse, error: unknown): void {
    const reply = replyOf(error);
    // Who went away is told nothing, and is no fault of ours.
    if (!reply && !response.destroyed) {
      this.#tools.logger.error({ event: 'orchestrator.failed', err: error }, 'a request could not be answered');
    }
    send(response, reply ?? { status: 500, body: { error: 'Internal Server Error' } });
  }
}

/** Undefined: the path is not encoded as a URL is. */
function segmentsOf(path: string): readonly string[] | undefined {
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

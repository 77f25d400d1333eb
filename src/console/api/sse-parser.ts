export interface ServerEvent {
  readonly type: string;
  readonly data: unknown;
  readonly id: string | undefined;
}

/** Events out of the pieces of a stream, wherever the network cut it. What is not JSON is no event of ours. */
export class SseParser {
  #rest = '';

  push(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const event = parse(block);
      return event ? [event] : [];
    });
  }
}

function parse(block: string): ServerEvent | undefined {
  let [type, data, id]: [string, string, string | undefined] = ['message', '', undefined];
  for (const line of block.split('\n')) {
    const [field = '', value = ''] = /^([a-z]+): ?(.*)$/.exec(line)?.slice(1) ?? [];
    if (field === 'event') type = value;
    else if (field === 'data') data += value;
    else if (field === 'id') id = value;
  }
  if (data === '') return undefined;
  try {
    return { type, data: JSON.parse(data), id };
  } catch {
    return undefined;
  }
}

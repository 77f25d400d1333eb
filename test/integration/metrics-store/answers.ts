/** An answer of the query API, in a form in which two can be compared. */
export type Answer =
  | { readonly kind: 'error'; readonly type: string; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'series';
      readonly type: string;
      readonly series: ReadonlyMap<string, readonly [time: number, value: number][]>;
      readonly order: readonly string[];
    };

interface Body {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

type Point = readonly [number, string];

export async function ask(url: string, path: string, parameters: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  const body = (await response.json()) as Body;
  if (body.status !== 'success' || !body.data) {
    return { kind: 'error', type: `${response.status} ${body.errorType}`, text: body.error ?? '' };
  }
  const { resultType: type, result } = body.data;
  if (type === 'string') return { kind: 'text', text: (result as Point)[1] };
  const rows =
    type === 'scalar'
      ? [{ metric: {}, values: [result as Point] }]
      : (result as { metric: Record<string, string>; value?: Point; values?: Point[] }[]).map(
          ({ metric, value, values }) => ({
            metric,
            values: values ?? (value ? [value] : []),
          }),
        );
  const order = rows.map(({ metric }) => JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))));
  return {
    kind: 'series',
    type,
    order,
    series: new Map(
      rows.map(({ values }, at) => [order[at] ?? '', values.map(([time, value]) => [time, numberOf(value)])]),
    ),
  };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

const TOLERANCE = 1e-9;

/** What is different between the two, in words; undefined when nothing is. */
export function differenceBetween(
  theirs: Answer,
  ours: Answer,
  { isOrdered }: { isOrdered: boolean },
): string | undefined {
  if (theirs.kind === 'error' || ours.kind === 'error') {
    if (theirs.kind === 'error' && ours.kind === 'error') {
      return theirs.type === ours.type
        ? undefined
        : `${theirs.type} (${theirs.text}) against ${ours.type} (${ours.text})`;
    }
    return `${shown(theirs)} against ${shown(ours)}`;
  }
  if (theirs.kind === 'text' || ours.kind === 'text') {
    const isSame = theirs.kind === 'text' && ours.kind === 'text' && theirs.text === ours.text;
    return isSame ? undefined : `${shown(theirs)} against ${shown(ours)}`;
  }
  if (theirs.type !== ours.type) return `${theirs.type} against ${ours.type}`;
  for (const [labels, points] of theirs.series) {
    const mine = ours.series.get(labels);
    if (!mine) return `${labels} is missing`;
    if (mine.length !== points.length)
      return `${labels} has ${points.length} points against ${mine.length}: ${JSON.stringify(points.slice(0, 3))} ${JSON.stringify(mine.slice(0, 3))}`;
    for (const [at, [time, value]] of points.entries()) {
      const [myTime, myValue] = mine[at] ?? [Number.NaN, Number.NaN];
      if (time !== myTime || !isClose(value, myValue))
        return `${labels} at ${time}: ${value} against ${myValue} at ${myTime}`;
    }
  }
  for (const labels of ours.series.keys()) if (!theirs.series.has(labels)) return `${labels} is too much`;
  if (isOrdered && theirs.order.join() !== ours.order.join()) return `the order: ${theirs.order} against ${ours.order}`;
  return undefined;
}

function isClose(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

function shown(answer: Answer): string {
  if (answer.kind === 'series') return `${answer.series.size} series (${answer.type})`;
  return `${answer.kind} ${JSON.stringify(answer.text)}`;
}

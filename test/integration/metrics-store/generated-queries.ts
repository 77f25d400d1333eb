import fc from 'fast-check';

const METRICS = [
  'requests_total',
  'temperature',
  'capacity',
  'limit',
  'flapping',
  'sparse',
  'odd_changing',
  'seconds_bucket',
  'build_info',
];
const LABELS = ['job', 'instance', 'code', 'zone', 'path', 'le', 'nolabel'];
const labelList = fc.subarray(LABELS, { maxLength: 3 }).map((labels) => labels.join(', '));
const duration = fc.constantFrom('30s', '45s', '1m', '90s', '2m', '5m', '7m30s', '12m');

const matcher = fc.oneof(
  fc.constantFrom(
    'job="api"',
    'job!="api"',
    'instance=~"a|b"',
    'instance!~"a.*"',
    'code=~"[45].."',
    'path=""',
    'zone!=""',
    'le=~"0.*|[+]Inf"',
  ),
);
const modifier = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: duration.map((one) => ` offset ${one}`) },
  { weight: 1, arbitrary: fc.constantFrom(' @ end()', ' @ start()', ' offset -1m', ' @ end() offset 2m') },
);
const selector = fc
  .tuple(fc.constantFrom(...METRICS), fc.array(matcher, { maxLength: 2 }))
  .map(([metric, matchers]) => (matchers.length > 0 ? `${metric}{${matchers.join()}}` : metric));
const rangeFunction = fc.constantFrom(
  ...[
    'rate',
    'increase',
    'irate',
    'delta',
    'idelta',
    'changes',
    'resets',
    'avg_over_time',
    'min_over_time',
    'max_over_time',
  ],
  ...[
    'sum_over_time',
    'count_over_time',
    'last_over_time',
    'present_over_time',
    'stddev_over_time',
    'stdvar_over_time',
  ],
);
const number = fc.constantFrom('0', '1', '-1', '2.5', '10', '100', '0.001', 'Inf', 'NaN', '1e6');
const arithmetic = fc.constantFrom('+', '-', '*', '/', '%', '^');
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');

const { vector } = fc.letrec<{ vector: string }>((tie) => ({
  vector: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(selector, modifier).map(([one, also]) => one + also),
    fc
      .tuple(rangeFunction, selector, duration, modifier)
      .map(([name, one, range, also]) => `${name}(${one}[${range}]${also})`),
    fc
      .tuple(
        fc.constantFrom('sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'),
        fc.constantFrom('by', 'without'),
        labelList,
        tie('vector'),
      )
      .map(([name, how, labels, of]) => `${name} ${how} (${labels}) (${of})`),
    fc
      .tuple(fc.constantFrom('0', '0.3', '0.95', '1'), labelList, tie('vector'))
      .map(([rank, labels, of]) => `quantile by (${labels}) (${rank}, ${of})`),
    fc
      .tuple(fc.constantFrom('abs', 'ceil', 'floor', 'round', 'sgn', 'sqrt', 'absent', 'timestamp'), tie('vector'))
      .map(([name, of]) => `${name}(${of})`),
    fc
      .tuple(fc.constantFrom('clamp_min', 'clamp_max'), tie('vector'), number)
      .map(([name, of, by]) => `${name}(${of}, ${by})`),
    fc
      .tuple(tie('vector'), fc.oneof(arithmetic, comparison), number)
      .map(([of, operator, by]) => `(${of}) ${operator} ${by}`),
    fc.tuple(number, comparison, tie('vector')).map(([by, operator, of]) => `${by} ${operator} bool (${of})`),
    fc
      .tuple(
        tie('vector'),
        fc.oneof(arithmetic, comparison),
        fc.constantFrom('on', 'ignoring'),
        labelList,
        fc.constantFrom('', ' group_left ()', ' group_right ()'),
        tie('vector'),
      )
      .map(
        ([left, operator, how, labels, group, right]) => `(${left}) ${operator} ${how} (${labels})${group} (${right})`,
      ),
    fc
      .tuple(
        tie('vector'),
        fc.constantFrom('and', 'or', 'unless'),
        fc.constantFrom('on', 'ignoring'),
        labelList,
        tie('vector'),
      )
      .map(([left, operator, how, labels, right]) => `(${left}) ${operator} ${how} (${labels}) (${right})`),
    fc
      .tuple(fc.constantFrom('0.5', '0.9'), duration)
      .map(([rank, range]) => `histogram_quantile(${rank}, sum by (le, path) (rate(seconds_bucket[${range}])))`),
    fc
      .tuple(tie('vector'), fc.constantFrom('(.).*', 'a|b', '(?P<x>.*)'), fc.constantFrom('$1', '$x', 'z'))
      .map(([of, regex, to]) => `label_replace(${of}, "made", "${to}", "instance", "${regex}")`),
  ),
}));

/** The same queries every time. */
export function generatedQueries(count: number): string[] {
  return fc.sample(vector, { numRuns: count, seed: 20_240_607 });
}

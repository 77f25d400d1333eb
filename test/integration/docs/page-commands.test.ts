import { expect, it } from 'vitest';
import { commandsIn } from './page-commands.ts';

it('finds the commands of a page as a shell would read them', () => {
  const page = [
    '```sh\nnpm ci && npm start\n# a comment\nstarling top   # live\n```',
    '## Calls',
    '```sh runnable\ncurl localhost \\\n  -d \'{\n  "a": "b && c" }\'\n```',
    '```yaml\na: b\n```',
    '```console\n$ curl -N localhost\nid: 1\n```',
  ].join('\n\n');
  expect(commandsIn(page)).toEqual([
    { heading: '', line: 'npm ci' },
    { heading: '', line: 'npm start' },
    { heading: '', line: 'starling top' },
    { heading: 'Calls', line: 'curl localhost    -d \'{\n  "a": "b && c" }\'' },
    { heading: 'Calls', line: 'curl -N localhost' },
  ]);
});

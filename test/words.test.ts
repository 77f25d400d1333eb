import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * Words that strangers had to look up, and what stands for them now. A name of the left column in code, or a file named
 * after it, fails here.
 */
const RENAMED: Readonly<Record<string, string>> = {
  Ground: 'Dependencies',
  Doors: 'ServiceListeners',
  obeyPeople: 'applyControls',
  footing: 'preconditions',
  witness: 'update-memory',
  View: 'DecisionContext',
  tellFault: 'reportError',
  Told: 'ExplainedDecision, or what it is',
  tellIfApart: 'reportNotConverging',
  apartSinceMs: 'divergedSinceMs',
  doubtLoad: 'noteLoadQuality',
  isDoubtful: 'lacksEvidenceToLower',
  oneText: 'internString',
  Breather: 'EventLoopYielder',
  isTrial: 'isProbe',
  '#hear': '#onAnswer',
  '#mourn': '#onWorkerExit',
  Alarm: 'SharedTimer',
  Turn: 'Deferred',
  Surroundings: 'PoolContext',
  PoolSurroundings: 'PoolContext',
  MessageBook: 'MessageTable',
  WishBook: 'WishTable',
  CodeShelf: 'CodeStore',
  TriggerHouse: 'TriggerService',
  CRUMB: 'EPSILON',
  NOTHING: 'what it is, such as IDLE_DEMAND_MAX',
};

const RENAMED_FILES = [
  'look',
  'line',
  'fate',
  'people',
  'footing',
  'witness',
  'view',
  'tell',
  'ground',
  'doors',
  'fault',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['src', 'test', 'bench'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('words.test.ts'))
    .map((file) => path.join(folder, file)),
);

describe('the words of the code', () => {
  it('are none that a stranger has to look up', () => {
    const words = new RegExp(`(?<![\\w#])(?:${Object.keys(RENAMED).join('|')})(?!\\w)`, 'g');
    const found = files.flatMap((file) => {
      const code = readFileSync(path.join(root, file), 'utf8').replaceAll(
        /\/\*[\s\S]*?\*\/|\/\/.*$|'(?:[^'\\\n]|\\.)*'/gm,
        '',
      );
      return [...new Set(code.match(words))].map((word) => `${file}: ${word} -> ${RENAMED[word]}`);
    });
    expect(found).toEqual([]);
  });

  it('are not in the names of files either', () => {
    const found = files.filter((file) => RENAMED_FILES.includes(path.basename(file).replace(/(?:\.test)?\.tsx?$/, '')));
    expect(found).toEqual([]);
  });
});

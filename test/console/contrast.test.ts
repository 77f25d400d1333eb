import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../../src/console/styles/colours.css', import.meta.url), 'utf8');

function coloursOf(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`));
  const body = block.slice(0, block.indexOf('}'));
  return new Map([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]));
}

function luminance(colour: string): number {
  const channel = (from: number) => {
    const share = Number.parseInt(colour.slice(from, from + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ['ground', 'surface', 'raised', 'sunk', 'hover', 'accent-soft'];
/** Text on every ground that it may come to stand on, and chips on their own. */
const TEXT: [string, string][] = [
  ...['text', 'muted', 'accent'].flatMap((text) => GROUNDS.map((ground): [string, string] => [text, ground])),
  ...['abstain', 'bad', 'good', 'wanted', 'threshold', 'bound'].map((text): [string, string] => [text, 'surface']),
  ...['raise', 'lower', 'keep', 'abstain', 'bad'].map((text): [string, string] => [text, `${text}-soft`]),
  ['text', 'bad-soft'],
  ['text', 'abstain-soft'],
  ['accent-text', 'accent'],
];
const SHAPES: [string, string][] = [
  'strong-line',
  'actual',
  'utilisation',
  'demand',
  'focus',
  ...Array.from({ length: 8 }, (_, hue) => `hue-${hue}`),
].map((shape) => [shape, 'surface']);

describe.each([
  ['light', ':root'],
  ['dark', ':root[data-theme="dark"]'],
])('the colours of the %s theme', (_, selector) => {
  const colours = coloursOf(selector);
  const of = (name: string) => {
    const colour = colours.get(name);
    if (!colour) throw new Error(`no colour --${name}`);
    return colour;
  };

  it.each(TEXT)('let --%s be read on --%s', (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)('let --%s be seen on --%s', (shape, ground) => {
    expect(contrast(of(shape), of(ground))).toBeGreaterThanOrEqual(3);
  });
});

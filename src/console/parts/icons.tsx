import type { Verdict } from '../api/shapes.ts';

const PATHS = {
  raise: 'M8 13V3M3.500 7.500 8 3l4.500 4.500',
  lower: 'M8 3v10M3.500 8.500 8 13l4.500-4.500',
  keep: 'M3 6h10M3 10h10',
  abstain: 'M6 6a2.200 2.200 0 1 1 3.200 2C8.300 8.500 8 9 8 9.700M8 12.600v.1',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.800 10.800 14 14',
  pause: 'M5.500 3v10M10.500 3v10',
  hand: 'M3 8h10M8 3v10',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z',
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
  back: 'M9.500 3 4.500 8l5 5',
  link: 'M6 3H3v10h10v-3M9 2.500h4.500V7M13.500 2.500 7.500 8.500',
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M3 20q5-6 8.500 0q3.500-6 8.500 0" />
      <path d="M14 11q3.500-5 6.500 0q3-5 6.500 0" />
      <path d="M18 27q3-4 5 0q2-4 5 0" />
    </svg>
  );
}

export function VerdictChip({ verdict }: { verdict: Verdict }) {
  return (
    <span class="chip" style={{ color: `var(--${verdict})`, background: `var(--${verdict}-soft)` }}>
      <Icon name={verdict} />
      {verdict}
    </span>
  );
}

import type { ComponentChildren } from 'preact';

/** What stands in place of content: nothing there, still coming, or broken, with what to do. */
export function Note(props: { tone?: 'calm' | 'busy' | 'bad'; title: string; children?: ComponentChildren }) {
  const { tone = 'calm', title, children } = props;
  return (
    <div class={`note note-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {tone === 'busy' && <span class="spinner" aria-hidden="true" />}
      <strong>{title}</strong>
      {children && <div class="note-body">{children}</div>}
    </div>
  );
}

/** What was wrong with a form; nothing while nothing is. */
export function Fault({ text }: { text: string | undefined }) {
  return text ? (
    <p class="form-fault" role="alert">
      {text}
    </p>
  ) : null;
}

/** A bar that is full at 100 per cent, beside its number. */
export function Meter({ percent }: { percent: number }) {
  const width = Math.max(0, Math.min(100, percent));
  return (
    <span class="meter" aria-hidden="true">
      <span style={{ width: `${width}%` }} class={width >= 85 ? 'meter-high' : ''} />
    </span>
  );
}

export function Fact(props: { name: string; children: ComponentChildren; hint?: string | undefined }) {
  return (
    <div class="fact" title={props.hint}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

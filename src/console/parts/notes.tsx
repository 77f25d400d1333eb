import type { ComponentChildren } from 'preact';

/** What stands in place of content: nothing there, still coming, or broken, with what to do. */
export function Note({
  tone = 'calm',
  title,
  children,
}: {
  tone?: 'calm' | 'busy' | 'bad';
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class={`note note-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {tone === 'busy' && <span class="spinner" aria-hidden="true" />}
      <strong>{title}</strong>
      {children && <div class="note-body">{children}</div>}
    </div>
  );
}

export function Fact({
  name,
  children,
  hint,
}: {
  name: string;
  children: ComponentChildren;
  hint?: string | undefined;
}) {
  return (
    <div class="fact" title={hint}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

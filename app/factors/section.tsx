import type { ComponentChildren } from 'preact';

/** A factor on the page of one's own: what it is called, what it is, and then how it stands. */
export function Section({
  id,
  title,
  what,
  children,
}: {
  id: string;
  title: string;
  what: string;
  children: ComponentChildren;
}) {
  return (
    <section class="card factor" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="quiet">{what}</p>
      {children}
    </section>
  );
}

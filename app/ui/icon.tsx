/**
 * The few shapes that repeat what a word says. Drawn with presentation attributes, so that neither the CSP
 * nor forced colours take them away; hidden from screen readers, which hear the word.
 */
export type Tone = 'danger' | 'warn' | 'ok' | 'info';
export type Shape = Tone | 'search' | 'empty' | 'half-left' | 'half-right' | 'full' | 'unknown';

const paths: Record<Shape, preact.JSX.Element> = {
  danger: <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5zM7.2 4v5h1.6V4zm0 6.4V12h1.6v-1.6z" fill-rule="evenodd" />,
  warn: <path d="M8 1l7.5 14H.5zm-.8 5v4.5h1.6V6zm0 5.8v1.6h1.6v-1.6z" fill-rule="evenodd" />,
  ok: (
    <path
      d="M8 .8a7.2 7.2 0 100 14.4A7.2 7.2 0 008 .8zm-1 10.4L3.6 7.8l1.1-1.1L7 9l4.3-4.3 1.1 1.1z"
      fill-rule="evenodd"
    />
  ),
  info: (
    <path d="M8 .8a7.2 7.2 0 100 14.4A7.2 7.2 0 008 .8zM7.2 4h1.6v1.6H7.2zm0 2.8h1.6V12H7.2z" fill-rule="evenodd" />
  ),
  search: (
    <path
      d="M6.5 1a5.5 5.5 0 104.4 8.8l3.9 3.9 1.1-1.1-3.9-3.9A5.5 5.5 0 006.5 1zm0 1.6a3.9 3.9 0 110 7.8 3.9 3.9 0 010-7.8z"
      fill-rule="evenodd"
    />
  ),
  empty: <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />,
  'half-left': (
    <>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="M8 2a6 6 0 000 12z" />
    </>
  ),
  'half-right': (
    <>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="M8 2a6 6 0 010 12z" />
    </>
  ),
  full: <circle cx="8" cy="8" r="6.8" />,
  unknown: (
    <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 2.4" />
  ),
};

export function Icon({ shape }: { shape: Shape }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="currentColor"
      aria-hidden="true"
      focusable="false"
    >
      {paths[shape]}
    </svg>
  );
}

// What wrangler's text modules are to the compiler.
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.svg' {
  const text: string;
  export default text;
}
declare module '*/static/js/keys.js' {
  const text: string;
  export default text;
}
declare module '*/static/js/live.js' {
  const text: string;
  export default text;
}
declare module '*/static/js/search.js' {
  const text: string;
  export default text;
}
declare module '*/htmx.min.js' {
  const text: string;
  export default text;
}

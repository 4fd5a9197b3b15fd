/**
 * The statements of a SQL file, cut as the supabase CLI cuts them for its bookkeeping: at semicolons outside of
 * quotes, dollar quotes, comments, parentheses and `begin atomic` bodies; comments stay with what follows them.
 */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let depth = 0;
  let atomic = 0;
  for (const token of text.matchAll(tokens)) {
    const word = token[0].toLowerCase();
    if (word === '(') depth += 1;
    else if (word === ')') depth -= 1;
    else if (/^begin\s+atomic$/.test(word)) atomic = 1;
    else if (atomic > 0 && word === 'case') atomic += 1;
    else if (atomic > 0 && word === 'end') atomic -= 1;
    else if (word === ';' && depth === 0 && atomic === 0) {
      statements.push(text.slice(start, token.index));
      start = token.index + 1;
    }
  }
  statements.push(text.slice(start));
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

const tokens = new RegExp(
  [
    /--[^\n]*/, // a comment to the end of the line
    /\/\*[\s\S]*?\*\//, // a comment (no file of ours nests them)
    /\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$/, // a dollar quote
    /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'/, // a string with escapes
    /'(?:[^']|'')*'/,
    /"(?:[^"]|"")*"/,
    /\bbegin\s+atomic\b/,
    /[A-Za-z_]\w*/,
    /[();]/,
  ]
    .map((pattern) => pattern.source)
    .join('|'),
  'gi',
);

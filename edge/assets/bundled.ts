// Static files for workerd, which has no file system: wrangler bundles each as a text module (`[[rules]]` in
// wrangler.toml). A file that is missing here stops the worker's start, and its test: app/assets.ts names them.

import type { Assets } from '../../app/assets.ts';
import audit from '../../app/static/css/audit.css';
import banner from '../../app/static/css/banner.css';
import base from '../../app/static/css/base.css';
import chart from '../../app/static/css/chart.css';
import components from '../../app/static/css/components.css';
import forms from '../../app/static/css/forms.css';
import layers from '../../app/static/css/layers.css';
import layout from '../../app/static/css/layout.css';
import notes from '../../app/static/css/notes.css';
import print from '../../app/static/css/print.css';
import record from '../../app/static/css/record.css';
import searchStyle from '../../app/static/css/search.css';
import table from '../../app/static/css/table.css';
import tokens from '../../app/static/css/tokens.css';
import icon from '../../app/static/icon.svg';
import keys from '../../app/static/js/keys.js';
import live from '../../app/static/js/live.js';
import searchScript from '../../app/static/js/search.js';
import htmx from '../../node_modules/htmx.org/dist/htmx.min.js';

const css = {
  audit,
  banner,
  base,
  chart,
  components,
  forms,
  layers,
  layout,
  notes,
  print,
  record,
  search: searchStyle,
  table,
  tokens,
};
const js = { keys, live, search: searchScript };

const FILES = new Map([
  ...Object.entries(css).map(([name, body]) => [`css/${name}.css`, { body, type: 'text/css; charset=utf-8' }] as const),
  ...Object.entries(js).map(
    ([name, body]) => [`js/${name}.js`, { body, type: 'text/javascript; charset=utf-8' }] as const,
  ),
  ['htmx.js', { body: htmx, type: 'text/javascript; charset=utf-8' }],
  ['icon.svg', { body: icon, type: 'image/svg+xml' }],
]);

export const bundledAssets: Assets = (name) => FILES.get(name);

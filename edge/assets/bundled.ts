// Static files for workerd, which has no file system: wrangler bundles each as a text module (`[[rules]]` in
// wrangler.toml). A file that is missing here stops the worker's start, and its test: app/assets.ts names them.

import type { Assets } from '../../app/assets.ts';
import base from '../../app/static/css/base.css';
import clinical from '../../app/static/css/clinical.css';
import components from '../../app/static/css/components.css';
import forms from '../../app/static/css/forms.css';
import layers from '../../app/static/css/layers.css';
import layout from '../../app/static/css/layout.css';
import print from '../../app/static/css/print.css';
import searchStyle from '../../app/static/css/search.css';
import tokens from '../../app/static/css/tokens.css';
import icon from '../../app/static/icon.svg';
import keys from '../../app/static/js/keys.js';
import live from '../../app/static/js/live.js';
import search from '../../app/static/js/search.js';
import htmx from '../../node_modules/htmx.org/dist/htmx.min.js';

const css = { base, clinical, components, forms, layers, layout, print, search: searchStyle, tokens };
const js = { keys, live, search };

const FILES = new Map([
  ...Object.entries(css).map(([name, body]) => [`css/${name}.css`, { body, type: 'text/css; charset=utf-8' }] as const),
  ...Object.entries(js).map(
    ([name, body]) => [`js/${name}.js`, { body, type: 'text/javascript; charset=utf-8' }] as const,
  ),
  ['htmx.js', { body: htmx, type: 'text/javascript; charset=utf-8' }],
  ['icon.svg', { body: icon, type: 'image/svg+xml' }],
]);

export const bundledAssets: Assets = (name) => FILES.get(name);

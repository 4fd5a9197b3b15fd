// The end of a session that nobody uses: said five minutes before, with one click to stay. All tabs of a browser share one
// clock; typing counts as being there. When it is over, nothing of a patient stays on the screen; what was typed waits
// behind the dialog until one has signed in again in another tab. The session itself ends in the database.
//
// Without script a page stays on the screen after its session, as paper would; the next click shows nothing more. A
// `<noscript><meta http-equiv="refresh">` would take it away, and isn't there on purpose: nobody could put it off (staying in
// another tab doesn't reach this one), which WCAG 2.2.1 and RGAA 13.1 refuse (F40), it would pull the page from under somebody
// who reads slowly or by ear, and as a reload it would itself be activity: two forgotten tabs would keep a session alive.
// The foot of each page names the hour instead (app/session/end.tsx).
(() => {
  const dialog = document.getElementById('session-end');
  if (!dialog) return;
  const WARNING = 5 * 60;
  /** Typing is told to the server at most this often. */
  const QUIET = 20 * 60;
  /** What the server gives after any request: 30 minutes, counted by it in whole minutes. */
  const IDLE = 29 * 60;
  const { account, idle, rest, minute, minutes } = dialog.dataset;
  const end = Date.now() + Number(rest) * 1000;
  const tabs = new BroadcastChannel('session');
  let until = Date.now() + Number(idle) * 1000;
  let timer;
  let asking = false;
  let dismissed = false;

  const left = () => Math.ceil((Math.min(until, end) - Date.now()) / 1000);
  const show = (state) => {
    for (const part of dialog.querySelectorAll('[data-state]')) part.hidden = part.dataset.state !== state;
    dialog.setAttribute('aria-labelledby', `session-end-${state}`);
    dialog.dataset.now = state;
    if (!dialog.open) dialog.showModal();
  };

  function tick() {
    clearTimeout(timer);
    const seconds = left();
    if (seconds <= 0) return over();
    if (seconds > WARNING) {
      if (dialog.open) dialog.close();
      dismissed = false;
      timer = setTimeout(tick, Math.min(seconds - WARNING, 60) * 1000);
      return;
    }
    warn(seconds);
    timer = setTimeout(tick, 1000);
  }

  function warn(seconds) {
    const state = end < until ? 'last' : 'soon';
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    for (const clock of dialog.querySelectorAll('[data-clock]')) clock.textContent = text;
    if (seconds === 60 || seconds === 120)
      dialog.querySelector('[aria-live]').textContent = seconds === 60 ? minute : minutes;
    // the end of the twelve hours can't be put off: once read, it comes back for the last minute
    if (!dialog.open && (!dismissed || seconds <= 60)) show(state);
  }

  function over() {
    if (dialog.dataset.now === 'over' && dialog.open) return;
    if (hasTyped()) show('over');
    else location.replace('/session/ended');
  }

  function hasTyped() {
    if (document.querySelector('.unsent, .error-summary')) return true;
    return [...document.querySelectorAll('textarea, input:not([type=hidden], [type=search], [role=combobox])')].some(
      (field) =>
        field.type === 'checkbox' || field.type === 'radio'
          ? field.checked !== field.defaultChecked
          : field.value.trim() !== '' && (field.value !== field.defaultValue || field.closest('[data-unsaved]')),
    );
  }

  function extend(seconds) {
    until = Date.now() + seconds * 1000;
    tabs.postMessage({ account, until });
    tick();
  }

  /** The server says so: ended before its time, by the person elsewhere or by an administrator. In every tab. */
  function finish() {
    until = 0;
    tabs.postMessage({ account, until });
    tick();
  }

  async function stay() {
    if (asking) return;
    asking = true;
    try {
      const headers = { 'HX-Request': 'true', 'HX-Request-Type': 'partial' };
      const answer = await fetch('/session/stay', { method: 'POST', headers });
      const mine = answer.ok && answer.headers.get('Session-Of') === account;
      if (mine) extend(Number(answer.headers.get('Session-Left')));
      else if (answer.ok || answer.status === 401) finish();
    } catch {
      // no network: the clock goes on, and the next click asks again
    } finally {
      asking = false;
    }
  }

  tabs.addEventListener('message', ({ data }) => {
    if (data.account !== account || (data.until !== 0 && data.until <= until)) return;
    until = data.until;
    tick();
  });
  // signed out in one tab is signed out in all of them
  document.addEventListener('submit', (event) => {
    if (event.target.matches('[action="/sign-out"]')) tabs.postMessage({ account, until: 0 });
  });
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
    const { status, headers } = ctx.response;
    // a 401 without it asks for a factor again
    if (headers.get('Session-Left') === '0') finish();
    else if (status < 500 && status !== 401) extend(IDLE);
  });
  document.addEventListener('input', (event) => {
    if (event.isTrusted && left() > 0 && left() < QUIET) stay();
  });
  dialog.addEventListener('submit', (event) => {
    if (!event.target.matches('[data-stay]')) return;
    event.preventDefault();
    stay();
  });
  // Esc: whoever presses it is there
  dialog.addEventListener('cancel', (event) => {
    if (dialog.dataset.now === 'last') return;
    event.preventDefault();
    if (dialog.dataset.now === 'soon') stay();
  });
  dialog.addEventListener('close', () => {
    dismissed = true;
    if (dialog.dataset.now === 'over' && left() <= 0) show('over');
  });
  for (const name of ['visibilitychange', 'focus', 'pageshow']) addEventListener(name, tick);
  tabs.postMessage({ account, until });
  tick();
})();

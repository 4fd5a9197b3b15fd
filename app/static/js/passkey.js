// Passkeys: asks the server for a challenge and the browser for its answer, and sends the form around the button. Loaded
// by the pages that have such a button (app/passkeys/button.tsx), also when htmx puts one into the page later.
const OPTIONS = '/passkeys/options';

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));

const toText = (buffer) =>
  buffer === null || buffer === undefined
    ? undefined
    : btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(''))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', '');

const withBytes = (list) => (list ?? []).map((credential) => ({ ...credential, id: toBytes(credential.id) }));

/** By hand: not every browser and password manager has parseCreationOptionsFromJSON and toJSON. */
function askBrowser(purpose, json) {
  const publicKey = { ...json, challenge: toBytes(json.challenge) };
  if (purpose !== 'register') {
    return navigator.credentials.get({
      publicKey: { ...publicKey, allowCredentials: withBytes(json.allowCredentials) },
    });
  }
  const user = { ...json.user, id: toBytes(json.user.id) };
  return navigator.credentials.create({
    publicKey: { ...publicKey, user, excludeCredentials: withBytes(json.excludeCredentials) },
  });
}

function toJson({ id, rawId, type, response }) {
  return JSON.stringify({
    id,
    rawId: toText(rawId),
    type,
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: toText(response.userHandle),
      attestationObject: toText(response.attestationObject),
      transports: response.getTransports?.(),
    },
  });
}

/** The word of the status that says what happened; undefined when the form was sent. */
async function use(box) {
  const purpose = box.dataset.passkey;
  const form = box.closest('form');
  // a passkey that is made and then lacks its name would be lost
  if (!form.reportValidity()) return '';
  const answer = await fetch(OPTIONS, { method: 'POST', body: new URLSearchParams({ purpose }) });
  const options = answer.headers.get('Content-Type')?.startsWith('application/json') ? await answer.json() : {};
  if (options.answer === 'place') return 'place';
  if (options.answer === 'wait') return 'later';
  if (options.answer === 'network') return 'network';
  // the server says what is missing: the form goes there as it is
  if (options.answer === 'step_up') return send(form);
  if (options.answer === 'expired' || options.answer === 'second_factor') return 'over';
  if (options.answer !== 'ok') return 'failed';
  const credential = await askBrowser(purpose, options.publicKey);
  box.querySelector('input').value = toJson(credential);
  return send(form);
}

function send(form) {
  form.requestSubmit();
}

function wordOf(error) {
  if (error.name === 'InvalidStateError') return 'known';
  if (error.name === 'SecurityError') return 'place';
  return error.name === 'NotAllowedError' || error.name === 'AbortError' ? 'cancelled' : 'failed';
}

function say(box, word) {
  const status = box.querySelector('.passkey-status');
  status.textContent = word ? status.dataset[word] : '';
}

async function press(box, button) {
  button.disabled = true;
  say(box, 'waiting');
  box.querySelector('input').value = '';
  const word = await use(box).catch(wordOf);
  say(box, word);
  button.disabled = false;
  if (word) button.focus();
}

/** Browsers have no passkeys at an address made of numbers, and none without TLS but on localhost. */
function show(box) {
  if (box.dataset.shown !== undefined) return;
  box.dataset.shown = '';
  const numbers = /^(\d+(\.\d+){3}|\[.*\])$/.test(location.hostname);
  const missing = numbers || !isSecureContext ? 'place' : window.PublicKeyCredential ? '' : 'unsupported';
  if (!missing) offer(box.querySelector('button'));
  // at the door the password stands above: nobody needs to read what else there could be
  else if (box.dataset.passkey !== 'passwordless') say(box, missing);
}

function offer(button) {
  button.hidden = false;
  // it was hidden when the browser looked for what has the focus first
  const dialog = button.closest('dialog[open]');
  const free = document.activeElement === document.body || dialog?.contains(document.activeElement);
  if (button.autofocus && free) button.focus();
}

const showAll = () => {
  for (const box of document.querySelectorAll('[data-passkey]')) show(box);
};

document.addEventListener('click', (event) => {
  const box = event.target.closest?.('[data-passkey]');
  const button = event.target.closest?.('button');
  if (box && button && box.contains(button)) press(box, button);
});
document.addEventListener('htmx:after:swap', showAll);
showAll();

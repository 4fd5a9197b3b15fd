// A list that is already on the page, looked through as one types: nothing is sent, and no address holds a name. Without
// script the field stays away, and the browser's own search finds as well.
(() => {
  const search = document.querySelector('[data-find]');
  if (!search) return;
  const input = search.querySelector('input');
  const rows = [...document.querySelectorAll(`${search.dataset.find} tbody tr`)];
  const status = document.getElementById('status');
  search.hidden = false;
  // as people type: small letters, no accents
  const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const texts = rows.map((row) => plain(row.textContent));

  function look() {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
    });
    const left = rows.filter((row) => !row.hidden);
    say(words.length > 0 ? left.length : undefined);
    return left;
  }

  let timer;
  function say(count) {
    clearTimeout(timer);
    const { none, one, many } = search.dataset;
    const text = count === undefined ? '' : ([none, one][count] ?? many.replace('2', count));
    search.querySelector('[data-count]').textContent = text;
    timer = setTimeout(() => {
      const line = document.createElement('p');
      line.className = 'visually-hidden';
      line.textContent = text;
      status.replaceChildren(line);
    }, 500);
  }

  input.addEventListener('input', look);
  // Enter opens the only one that is left
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    const left = look();
    if (left.length === 1) left[0].querySelector('a')?.click();
  });
  // going back brings what was typed
  addEventListener('pageshow', () => input.value && look());
})();

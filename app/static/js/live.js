// What changes without a new page: messages that stay until dismissed, a lost connection, the focus after a
// swap, and the sticky banner's height for anchors and for the keyboard's focus.
(() => {
  const banner = document.querySelector('.banner');
  if (banner) {
    const keepClear = () => {
      const sticky = getComputedStyle(banner).position === 'sticky';
      document.documentElement.style.scrollPaddingBlockStart = sticky ? `${banner.offsetHeight + 16}px` : '';
    };
    new ResizeObserver(keepClear).observe(banner);
  }

  for (const region of document.querySelectorAll('[data-dismiss-label]')) {
    new MutationObserver(() => offerDismissal(region)).observe(region, { childList: true });
  }

  function offerDismissal(region) {
    if (!region.querySelector('p:not(.visually-hidden)') || region.querySelector('[data-dismiss]')) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    button.dataset.dismiss = '';
    button.textContent = region.dataset.dismissLabel;
    region.append(button);
  }

  document.addEventListener('click', (event) => {
    event.target.closest('[data-dismiss]')?.closest('[data-dismiss-label]')?.replaceChildren();
    for (const menu of document.querySelectorAll('details[name=account][open]')) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener('keydown', (event) => {
    const menu = event.key === 'Escape' && event.target.closest('details[name=account][open]');
    if (!menu) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });

  function sayNotAnswered(reference = '') {
    const text = document.getElementById('not-answered').content.cloneNode(true);
    text.querySelector('.code').textContent = reference;
    document.getElementById('alert').replaceChildren(text);
  }

  // htmx:error covers the network, the time limit and the swap; an answer of 5xx isn't swapped in.
  document.addEventListener('htmx:error', () => sayNotAnswered());
  document.addEventListener('htmx:response:error', (event) => {
    const { status, headers } = event.detail.ctx.response;
    if (status >= 500) sayNotAnswered(headers.get('X-Request-Id') ?? '');
  });

  const focusWanted = (root) => root.querySelector?.('[data-focus]')?.focus();
  document.addEventListener('htmx:after:settle', (event) => focusWanted(event.target));
  focusWanted(document);
})();

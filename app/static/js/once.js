// A form that is sent twice by a double click goes once: the second request would come with a token that the first one has
// replaced, and end where it should not. For three seconds, so that whoever stopped the first one may send it again.
(() => {
  const sent = new WeakMap();
  document.addEventListener('submit', (event) => {
    const form = event.target;
    // htmx sends its own; a file leaves the page where it is. (form.method may be a field of that name.)
    if (event.defaultPrevented || form.getAttribute('method') !== 'post' || form.hasAttribute('data-again')) return;
    if (Date.now() - (sent.get(form) ?? 0) >= 3000) return void sent.set(form, Date.now());
    event.preventDefault();
    // the others have been told of the first one, which goes on: unsaved.js would ask whether to leave
    event.stopImmediatePropagation();
  });
  // the page that comes back from the browser's memory is another visit
  addEventListener('pageshow', () => {
    for (const form of document.forms) sent.delete(form);
  });
})();

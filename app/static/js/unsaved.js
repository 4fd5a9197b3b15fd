// Nothing typed is lost: leaving a page with text that hasn't been saved asks first. Text that came back with an
// error hasn't been saved either, so it is the text that counts and not whether it changed.
(() => {
  let sending = false;

  const isUnsaved = (form) => [...form.querySelectorAll('textarea')].some((field) => field.value.trim() !== '');

  document.addEventListener('submit', (event) => {
    // htmx prevents the default and stays on the page; an ordinary submission leaves it with the text.
    sending = event.target.matches('form[data-unsaved]') && !event.defaultPrevented;
  });

  addEventListener('beforeunload', (event) => {
    if (!sending && [...document.querySelectorAll('form[data-unsaved]')].some(isUnsaved)) event.preventDefault();
  });

  // Back from the page that answered, as the browser remembers it: the text stands there again.
  addEventListener('pageshow', () => {
    sending = false;
  });
})();

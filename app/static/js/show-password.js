// A password can be looked at while it is typed (NIST SP 800-63B-4 §3.1.1.2). It is hidden again before it goes, or the
// browser would offer it in the next text field of that name.
(() => {
  const BUTTON = 'button[data-show]';

  function show(button, shown) {
    const field = document.getElementById(button.getAttribute('aria-controls'));
    field.type = shown ? 'text' : 'password';
    button.firstElementChild.textContent = shown ? button.dataset.hide : button.dataset.show;
  }

  const hideAll = (within) => {
    for (const button of within.querySelectorAll(BUTTON)) show(button, false);
  };

  const offer = () => {
    for (const button of document.querySelectorAll(BUTTON)) button.hidden = false;
  };

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.(BUTTON);
    if (button) show(button, button.firstElementChild.textContent === button.dataset.show);
  });
  // before anybody reads the form, and when the page comes back from the browser's memory
  document.addEventListener('submit', (event) => hideAll(event.target), true);
  addEventListener('pagehide', () => hideAll(document));
  document.addEventListener('htmx:after:swap', offer);
  offer();
})();

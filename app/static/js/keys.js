// Keyboard: `/` or Ctrl+K search, Ctrl+S draft, Ctrl+Enter submit, `?` help. `event.key` and not `code`, so
// that an AZERTY keyboard finds them where they are printed. Single keys can be switched off (WCAG 2.1.4).
(() => {
  const SINGLE_KEYS = 'vs-single-keys';
  const singleKeys = () => localStorage.getItem(SINGLE_KEYS) !== 'off';
  const isTyping = (target) => target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]');

  function press(selector) {
    const button = document.activeElement?.closest('form')?.querySelector(selector) ?? document.querySelector(selector);
    if (button && !button.disabled) button.click();
    return Boolean(button);
  }

  function focusSearch() {
    const field = document.querySelector('input[role=combobox]');
    field?.focus();
    field?.select();
    return Boolean(field);
  }

  function showHelp() {
    document.getElementById('shortcuts')?.showModal();
    return true;
  }

  function act(event) {
    const withControl = event.ctrlKey || event.metaKey;
    if (withControl && event.key.toLowerCase() === 'k') return focusSearch();
    if (withControl && event.key.toLowerCase() === 's') return press('[data-key-draft]');
    if (withControl && event.key === 'Enter') return press('[data-key-submit]');
    if (withControl || event.altKey || isTyping(event.target) || !singleKeys()) return false;
    if (event.key === '/') return focusSearch();
    if (event.key === '?') return showHelp();
    return false;
  }

  document.addEventListener('keydown', (event) => {
    if (!event.defaultPrevented && !document.querySelector('dialog[open]') && act(event)) event.preventDefault();
  });

  const help = document.querySelector('[data-help]');
  if (help) {
    help.hidden = false;
    help.addEventListener('click', showHelp);
  }

  const setting = document.getElementById('single-keys');
  if (setting) {
    setting.checked = singleKeys();
    setting.addEventListener('change', () => localStorage.setItem(SINGLE_KEYS, setting.checked ? 'on' : 'off'));
  }
})();

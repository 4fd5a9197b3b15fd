// The search combobox: htmx brings the options, this moves among them. APG "editable combobox, list
// autocomplete, manual selection": the focus stays in the field, aria-activedescendant names the option.
(() => {
  const listOf = (input) => input.form.querySelector('.search-options');
  const optionsOf = (input) => [...listOf(input).querySelectorAll('[role=option]')];
  const isCombobox = (target) => target instanceof HTMLInputElement && target.getAttribute('role') === 'combobox';

  function setOpen(input, open) {
    input.setAttribute('aria-expanded', String(open && optionsOf(input).length > 0));
    if (!open) setActive(input, undefined);
  }

  function setActive(input, option) {
    for (const other of optionsOf(input)) other.setAttribute('aria-selected', String(other === option));
    if (option) {
      input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView({ block: 'nearest' });
    } else input.removeAttribute('aria-activedescendant');
  }

  function clear(input) {
    input.value = '';
    listOf(input).replaceChildren();
  }

  function move(input, step) {
    const options = optionsOf(input);
    if (options.length === 0) return;
    setOpen(input, true);
    const at = options.findIndex((option) => option.getAttribute('aria-selected') === 'true');
    const next = at < 0 ? (step > 0 ? 0 : options.length - 1) : (at + step + options.length) % options.length;
    setActive(input, options[next]);
  }

  function onKey(event) {
    const input = event.target;
    if (!isCombobox(input) || event.isComposing) return;
    const active = optionsOf(input).find((option) => option.getAttribute('aria-selected') === 'true');
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      move(input, event.key === 'ArrowDown' ? 1 : -1);
      event.preventDefault();
    } else if (event.key === 'Enter' && active && input.getAttribute('aria-expanded') === 'true') {
      event.preventDefault();
      location.assign(active.dataset.href);
    } else if (event.key === 'Escape') {
      // First Esc closes the list, the second one empties the field.
      if (input.getAttribute('aria-expanded') === 'true') setOpen(input, false);
      else clear(input);
      event.preventDefault();
    }
  }

  document.addEventListener('keydown', onKey);
  document.addEventListener('mousedown', (event) => {
    // Keeps the focus in the field while an option is clicked.
    if (event.target.closest('.search-options')) event.preventDefault();
  });
  document.addEventListener('click', (event) => {
    const option = event.target.closest('[role=option][data-href]');
    if (option) location.assign(option.dataset.href);
  });
  document.addEventListener('focusout', (event) => {
    if (isCombobox(event.target)) setOpen(event.target, false);
  });
  document.addEventListener('focusin', (event) => {
    if (isCombobox(event.target)) setOpen(event.target, true);
  });
  document.addEventListener('input', (event) => {
    if (isCombobox(event.target) && event.target.value.trim() === '') {
      listOf(event.target).replaceChildren();
      setOpen(event.target, false);
    }
  });
  // htmx tells it to the element that asked.
  document.addEventListener('htmx:after:swap', ({ target }) => {
    if (isCombobox(target)) setOpen(target, document.activeElement === target);
  });
})();

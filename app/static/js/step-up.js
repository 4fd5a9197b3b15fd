// A factor asked for again while a form stands in the page: the dialog takes the code, then the form is sent once more,
// by the button that sent it. Without script the page that answers does the same (app/step-up).
(() => {
  const dialog = document.getElementById('step-up-dialog');
  const inside = document.getElementById('step-up');
  let waiting;

  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
    if (ctx.response.status !== 401) return;
    // the session is over: the alert that says so stands behind the dialog
    if (dialog.contains(ctx.sourceElement)) dialog.close();
    else waiting = { element: ctx.sourceElement, button: ctx.sourceEvent?.submitter };
  });

  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {
    if (ctx.response?.status !== 401 || dialog.contains(ctx.sourceElement) || !inside.firstElementChild) return;
    if (!dialog.open) dialog.showModal();
  });

  document.addEventListener('stepped-up', () => {
    dialog.close();
    const { element, button } = waiting ?? {};
    if (!element?.isConnected) return;
    if (element instanceof HTMLFormElement) element.requestSubmit(button?.isConnected ? button : null);
    else element.click();
  });

  dialog.addEventListener('close', () => inside.replaceChildren());
})();

import { useWords } from '../i18n.ts';
import { Combobox } from '../ui/combobox.tsx';
import { patients } from './messages.ts';

/** The top bar's search: by the beginning of a name or by birth date. */
export function PatientSearch({ value }: { value?: string }) {
  const t = useWords(patients);
  return (
    <Combobox
      id="patient-search"
      action="/patients/search"
      name="q"
      label={t.searchLabel}
      hint={t.searchHint}
      example={t.searchExample}
      button={t.searchButton}
      shortcut="/"
      value={value}
    />
  );
}

import { z } from 'zod';
import { formatNumber, useLang, useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Table } from '../ui/table.tsx';
import { Day, Moment } from '../ui/time.tsx';
import { erasures } from './erasure-words.ts';

/** What the page shows of clinic.erasure_certificate (docs/formats.md); the file holds all of it. */
export const Certificate = z.object({
  patient: z.guid(),
  ground: z.string(),
  erased_at: z.coerce.date(),
  complete_from: z.coerce.date(),
  destroyed: z.record(z.string(), z.number()),
  event: z.object({ id: z.guid(), leaf_hash: z.string() }),
});

/** `request`: the request that it answers, in whose address it stands. */
export function CertificatePage(props: { request: string; certificate: z.infer<typeof Certificate> }) {
  const t = useWords(erasures);
  const lang = useLang();
  const { request, certificate } = props;
  return (
    <div class="desk">
      <h1>{t.certificate}</h1>
      <p class="lead">
        {t.certificateIntro} <a href="/privacy/erasures">{t.back}</a>
      </p>
      <section class="card">
        <h2>{labelOf(t, 'ground', certificate.ground)}</h2>
        <DefinitionList
          items={[
            { label: t.patient, value: certificate.patient, code: true },
            { label: t.done, value: <Moment at={certificate.erased_at} /> },
            { label: t.complete, value: <Day value={certificate.complete_from} /> },
            { label: t.event, value: certificate.event.id, code: true },
            { label: t.leaf, value: <code class="digest">{certificate.event.leaf_hash}</code> },
          ]}
        />
      </section>
      <section aria-labelledby="destroyed">
        <h2 id="destroyed">{t.destroyed}</h2>
        <Table
          caption={t.destroyed}
          rows={Object.entries(certificate.destroyed)}
          columns={[
            { label: t.what, header: true, cell: ([what]) => labelOf(t, 'what', what) },
            { label: t.count, number: true, cell: ([, count]) => formatNumber(lang, count) },
          ]}
        />
      </section>
      <p class="form-actions">
        <a class="button" href={`/privacy/erasures/${request}/file`} download>
          {t.save}
        </a>
      </p>
    </div>
  );
}

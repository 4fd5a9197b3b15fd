/** Table of contents: the guards in their order, then every mount. */
import { Hono } from 'hono';
import { csrf } from '../edge/csrf.ts';
import { headers } from '../edge/headers.ts';
import { limits } from '../edge/limits.ts';
import { logging } from '../edge/logging.ts';
import { type Env, session } from '../edge/session.ts';
import { accountRoutes } from './account/routes.tsx';
import { adminRoutes } from './admin/routes.tsx';
import { staticFiles } from './assets.ts';
import { auditRoutes } from './audit/routes.tsx';
import { chartRoutes } from './chart/routes.tsx';
import { consentRoutes } from './consents/routes.tsx';
import { emergenciesRoutes } from './emergencies/routes.tsx';
import { emergencyRoutes } from './emergency/routes.tsx';
import { enrolRoutes } from './enrol/routes.tsx';
import { answerError, answerNotFound } from './errors.tsx';
import { codesRoutes } from './factors/codes-routes.tsx';
import { factorRoutes } from './factors/routes.tsx';
import { homeRoutes } from './home/routes.ts';
import { invitationRoutes } from './invitations/routes.tsx';
import { noteRoutes } from './notes/routes.tsx';
import { passkeyRoutes } from './passkeys/routes.tsx';
import { passkeySignInRoutes } from './passkeys/sign-in.tsx';
import { passwordRoutes } from './passwords/routes.tsx';
import { patientRoutes } from './patients/routes.tsx';
import { preferenceRoutes } from './preferences/routes.ts';
import { promiseRoutes } from './promises/routes.tsx';
import { recordRoutes } from './record/routes.tsx';
import { referralRoutes } from './referrals/routes.tsx';
import type { Services } from './services.ts';
import { sessionRoutes } from './sessions/routes.tsx';
import { signInRoutes, signOutRoutes } from './sign-in/routes.tsx';
import { heldRoutes } from './sign-ins/held.tsx';
import { stepUpRoutes } from './step-up/routes.tsx';

export function createApp(services: Services) {
  const { door } = services;
  const app = new Hono<Env>();

  app.use(logging(services.log), headers(), session(services.pepper.key), limits(), csrf());
  app.onError((error, c) => answerError(error, c, services));
  app.notFound(answerNotFound);

  app.get('/health', (c) => c.text('ok'));
  app.route('/static', staticFiles(services.assets));
  app.route('/', homeRoutes());
  app.route('/preferences', preferenceRoutes());
  app.route('/sign-in', signInRoutes(services));
  app.route('/sign-out', signOutRoutes(services));
  app.route('/invitations', invitationRoutes(services));
  app.route('/step-up', stepUpRoutes(services));
  app.route('/enrol', enrolRoutes(services));
  app.route('/account', accountRoutes(services));
  app.route('/account/factors', factorRoutes(services));
  app.route('/account/recovery-codes', codesRoutes(services));
  app.route('/account/password', passwordRoutes(services));
  app.route('/account/sessions', sessionRoutes(door));
  app.route('/sign-ins/held', heldRoutes());
  app.route('/account/passkeys', passkeyRoutes(services));
  app.route('/passkeys', passkeySignInRoutes(services));
  if (services.promises) app.route('/promises', promiseRoutes(services.promises));

  app.route('/patients', patientRoutes(door));
  app.route('/patients/:id/notes', noteRoutes(door));
  app.route('/patients/:id/referrals', referralRoutes(door));
  app.route('/patients/:id', chartRoutes(door));
  app.route('/emergency', emergencyRoutes(door));
  app.route('/emergencies', emergenciesRoutes(door));
  app.route('/record', recordRoutes(door));
  app.route('/account/consents', consentRoutes(door));
  app.route('/audit', auditRoutes(door));
  app.route('/admin', adminRoutes(door));
  return app;
}

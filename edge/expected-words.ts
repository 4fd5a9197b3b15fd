// Words that a password here must not be made of (ASVS 5.0 §6.1.2, §6.2.11): what whoever guesses begins with, since it is
// about this product, its trades and its places, or since French and English people choose it. With a person's own names and
// address, and the practice's name, which edge/password-rules.ts adds, this is the whole list. In small letters, without
// accents. Short words would be met in the middle of others, so most have five letters and more.
export const expectedWords: readonly string[] = `
vitalsync vital sync telesante telemedecine telehealth teleconsultation
cabinet clinique hopital maisondesante medical medecine sante health clinic hospital practice surgery
docteur medecin infirmier infirmiere sagefemme kine secretaire accueil administrateur administrator admin auditeur auditor
doctor nurse midwife clinician secretary patient patiente dossier ordonnance consultation
motdepasse motdepass monmotdepasse password passwort passe secret changezmoi changeme bienvenue welcome bonjour bonsoir hello
azertyuiop azerty qwertyuiop qwerty qwertz qsdfghjklm qsdfgh wxcvbn asdfgh aqwzsx qazwsx abcdef abcd
soleil jetaime iloveyou doudou chouchou loulou amour princesse princess sunshine football
marseille paris lyon bordeaux toulouse france bretagne
janvier fevrier avril juillet septembre octobre novembre decembre printemps automne hiver
january february march april august september october november december spring summer autumn winter
`
  .split(/\s+/)
  .filter(Boolean);

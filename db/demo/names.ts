/** Common French names; together they are nobody's. */
export const FAMILY_NAMES: readonly string[] =
  `Aubert Barbier Baudry Béranger Blanchard Boissier Bonnaud Bréchet Carpentier Cazenave Chauvin Clavel Colin Cordier
  Couturier Delmas Deschamps Dubreuil Dufresne Escoffier Fabre Favreau Ferrand Fouquet Gaillard Gauthier Girardot Granger
  Guérin Hamon Hébrard Jacquemin Joubert Lacombe Lagarde Lambert Langlois Larrieu Lebreton Lefort Lemercier Le_Goff
  Maillard Marchand Mauger Mercadier Mondésir N’Guessan Benali Haddad Da_Silva Nguyen Pelletier Perrault Picard Poirier
  Prévost Quéméneur Renaudin Ribeiro Rigaud Rousselle Sabatier Salomon Sauvage Séguin Tessier Thibault Traoré Vasseur
  Verdier Vidal Villeneuve Weber`
    .split(/\s+/)
    .map((name) => name.replace('_', ' '));

type Given = { until: number; female: readonly string[]; male: readonly string[] };
/** By year of birth: nobody born in 1941 is called Enzo. */
const GIVEN_NAMES: readonly Given[] = [
  {
    until: 1945,
    female: ['Simone', 'Jeannine', 'Yvette', 'Odette', 'Denise', 'Paulette', 'Ginette', 'Huguette'],
    male: ['Marcel', 'René', 'Roger', 'André', 'Lucien', 'Fernand', 'Raymond', 'Maurice'],
  },
  {
    until: 1962,
    female: ['Monique', 'Françoise', 'Nicole', 'Jacqueline', 'Michèle', 'Danielle', 'Annie', 'Josiane'],
    male: ['Michel', 'Jean-Claude', 'Bernard', 'Gérard', 'Daniel', 'Alain', 'Jacques', 'Guy'],
  },
  {
    until: 1978,
    female: ['Isabelle', 'Sylvie', 'Nathalie', 'Véronique', 'Sandrine', 'Christelle', 'Karine', 'Laurence'],
    male: ['Philippe', 'Éric', 'Laurent', 'Christophe', 'Stéphane', 'Thierry', 'Frédéric', 'Olivier'],
  },
  {
    until: 1995,
    female: ['Aurélie', 'Élodie', 'Julie', 'Céline', 'Émilie', 'Audrey', 'Marion', 'Mélanie'],
    male: ['Nicolas', 'Julien', 'Sébastien', 'Guillaume', 'Mathieu', 'Anthony', 'Romain', 'Benoît'],
  },
  {
    until: 2010,
    female: ['Manon', 'Léa', 'Camille', 'Chloé', 'Inès', 'Clara', 'Océane', 'Anaïs'],
    male: ['Lucas', 'Théo', 'Hugo', 'Maxime', 'Quentin', 'Enzo', 'Nathan', 'Alexandre'],
  },
  {
    until: 9999,
    female: ['Jade', 'Louise', 'Ambre', 'Alba', 'Rose', 'Lina', 'Mila', 'Agathe'],
    male: ['Gabriel', 'Léo', 'Raphaël', 'Maël', 'Noah', 'Arthur', 'Sacha', 'Gaspard'],
  },
];

export function givenNames(sex: 'female' | 'male', year: number): readonly string[] {
  return (GIVEN_NAMES.find((g) => year <= g.until) as Given)[sex];
}

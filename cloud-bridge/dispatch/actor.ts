/** Who acts. Every entry of a timeline names one. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly crewId?: string;
  readonly unitId?: string;
}

// The values that topics and answers carry, as cafe/view.go writes them.

export interface Money {
  amount: number;
  currency: string;
}

export interface Choice {
  id: string;
  name: string;
  extra: number;
  allergens?: string[];
  frees?: string[];
  available: boolean;
}

export interface OptionGroup {
  id: string;
  name: string;
  most: number;
  default?: string;
  choices: Choice[];
}

export interface Item {
  id: string;
  name: string;
  description?: string;
  category: string;
  position: number;
  price: Money;
  sizes?: Choice[];
  options?: OptionGroup[];
  /** Absent means not stated, empty means none. */
  allergens?: string[];
  available: boolean;
  remaining?: number;
}

export type Status = "placed" | "accepted" | "preparing" | "ready" | "picked_up" | "declined" | "cancelled";

export interface LineChoice {
  id: string;
  name: string;
  default?: boolean;
}

export interface Line {
  item: string;
  name: string;
  size?: LineChoice;
  options?: LineChoice[];
  quantity: number;
  unit: Money;
  total: Money;
}

export interface Order {
  id: string;
  number: number;
  status: Status;
  name?: string;
  items: Line[];
  note?: string;
  total: Money;
  customer: string;
  reason?: string;
  placed_at: string;
  accepted_at?: string;
  started_at?: string;
  ready_at?: string;
  ended_at?: string;
  accept_by?: string;
  pickup_by?: string;
}

export interface BoardLine {
  number: number;
  name?: string;
  drink: string;
  status: Status;
  since: string;
}

export interface Announcement {
  id: string;
  text: string;
  from: string;
  until?: string;
}

export interface Session {
  role: string;
  id: string;
  customer?: string;
  name?: string;
  expires?: string;
}

export function isOpen(s: Status): boolean {
  return s === "placed" || s === "accepted" || s === "preparing" || s === "ready";
}

const ITEMS_MAX = 3

/** The first few of many, and how many more there are: a reason stays a sentence. */
export function listed(items: readonly string[]): string {
  const more = items.length - ITEMS_MAX
  return more > 0 ? `${items.slice(0, ITEMS_MAX).join(', ')} and ${more} more` : items.join(', ')
}

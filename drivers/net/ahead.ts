/**
 * Asks for the next item ahead of time. A link may break while nobody waits for it: the error is then found by whoever
 * waits next, and is no unhandled one until then, nor where nobody waits any more.
 */
export function ahead<T, End>(iterator: AsyncIterator<T, End>): Promise<IteratorResult<T, End>> {
  const next = iterator.next();
  next.catch(() => undefined);
  return next;
}

/** Does `act` for each number from 0 on, so many at a time. */
export async function inParallel(count: number, atOnce: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
}

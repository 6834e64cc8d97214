import type { PhotoStore, QueuedPhoto } from "./photo-queue.ts";

const STORE = "photos";

/** The browser's own database: pictures are too large for what acts wait in. */
export function photoStore(): PhotoStore {
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open("shao.crew", 1);
    asked.onupgradeneeded = () => void asked.result.createObjectStore(STORE, { autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("no database"));
  });
  const within = async <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const transaction = (await opened).transaction(STORE, mode);
    const asked = act(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("not stored"));
    });
  };
  return {
    all: async () => (await within("readonly", (store) => store.getAll())) as QueuedPhoto[],
    put: async (photo) => void (await within("readwrite", (store) => store.add(photo))),
    async remove(key) {
      const keys = await within("readonly", (store) => store.getAllKeys());
      const photos = (await within("readonly", (store) => store.getAll())) as QueuedPhoto[];
      const at = keys[photos.findIndex((photo) => photo.key === key)];
      if (at !== undefined) await within("readwrite", (store) => store.delete(at));
    },
  };
}

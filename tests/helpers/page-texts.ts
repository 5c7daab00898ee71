import type { Page } from 'playwright-core';

/** All that a page shows, hides in attributes, holds in fields, and keeps in the browser; as it is and as markup. */
export async function pageTexts(page: Page): Promise<string> {
  return await page.evaluate(async () => {
    const texts = [document.documentElement.outerHTML, document.documentElement.textContent ?? '', document.title];
    for (const element of document.querySelectorAll('*')) {
      for (const { value } of element.attributes) texts.push(value);
      if ('value' in element) texts.push(String(element.value));
    }
    for (const storage of [localStorage, sessionStorage]) texts.push(...Object.entries(storage).flat());
    texts.push(document.cookie, location.href);
    for (const { name } of await indexedDB.databases()) {
      if (name === undefined) continue;
      const whole = <Value>(request: IDBRequest<Value>) =>
        new Promise<Value>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const database = await whole(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        texts.push(name, store, JSON.stringify(await whole(database.transaction(store).objectStore(store).getAll())));
      }
      database.close();
    }
    return texts.join('\n');
  });
}

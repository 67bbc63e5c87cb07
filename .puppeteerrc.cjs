// Puppeteer's settings: installing never downloads a browser, so that `npm install` works offline and with scripts forbidden.
// harness/with-driver.mjs, which `npm test` starts with, downloads one where the computer has none.
module.exports = { skipDownload: true };

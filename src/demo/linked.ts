// A link that names a model or photo: the pictures that the page comes with must not be seen before its own. Runs before
// anything is shown, so it imports nothing.

if (/[#&](model|instant)=/.test(location.hash)) document.documentElement.dataset["linked"] = "";

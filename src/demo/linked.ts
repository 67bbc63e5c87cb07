// A link of somebody's pictures: those that the page comes with must not be seen before them. Runs before anything is shown, so it imports nothing.

if (/[#&](model|instant|own|tool)=/.test(location.hash)) document.documentElement.dataset["linked"] = "";

"use strict";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#interface",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null, // or the page would ask a server on the internet
});

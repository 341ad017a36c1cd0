"""The admin API over HTTP: what a request has to be, what each route does with the service, and how answers and problems are written."""

//! Endpoints: list, save, delete, test, import.

use switchyard_engine::{
    conductor::password_of,
    db::connect::{Login, probe},
    import,
    keychain::Place,
    secret::Secret,
};
use switchyard_model::endpoint::{Endpoint, parse_url};

use crate::{Switchyard, dto::*};

impl Switchyard {
    pub(crate) async fn app_info(&self, _: Nothing) -> Result<AppInfo, ApiError> {
        Ok(AppInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.parts.store.path().display().to_string(),
            operator: self.parts.operator.clone(),
            keyring: match self.parts.keychain.unavailable() {
                None => KeyringState::Available,
                Some(why) => KeyringState::Unavailable { why: why.to_owned() },
            },
        })
    }

    pub(crate) async fn endpoint_list(&self, _: Nothing) -> Result<EndpointList, ApiError> {
        let mut endpoints = Vec::new();
        for endpoint in self.parts.store.endpoints().await? {
            endpoints.push(self.endpoint_row(endpoint).await?);
        }
        Ok(EndpointList { endpoints })
    }

    async fn endpoint_row(&self, endpoint: Endpoint) -> Result<EndpointRow, ApiError> {
        let password = match self.parts.keychain.place(&endpoint.name).await {
            Place::Keyring => PasswordPlace::Keyring,
            Place::Memory => PasswordPlace::Memory,
            Place::Missing => match password_of(&endpoint, &self.parts.keychain).await? {
                Some(_) => PasswordPlace::PasswordFile,
                None => PasswordPlace::Missing,
            },
        };
        let used_by = self.users_of(&endpoint.name).await?;
        Ok(EndpointRow { endpoint, password, used_by })
    }

    async fn users_of(&self, endpoint: &str) -> Result<Vec<String>, ApiError> {
        let mut users = Vec::new();
        for (id, name, _) in self.parts.store.migrations().await? {
            let state = self.book(id).await?.state().await;
            let spec = state.spec;
            if state.milestones.cleaned.is_some() {
                continue;
            }
            if spec.source == endpoint || spec.target == endpoint {
                users.push(name);
            }
        }
        Ok(users)
    }

    pub(crate) async fn endpoint_save(&self, args: SaveEndpoint) -> Result<EndpointRow, ApiError> {
        let problems = args.endpoint.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        if let Some(old) = args.rename_from.as_ref().filter(|old| **old != args.endpoint.name) {
            self.rename(old, &args.endpoint.name).await?;
        }
        self.parts.store.save_endpoint(&args.endpoint).await?;
        if let Some(password) = args.password {
            self.parts.keychain.put(&args.endpoint.name, Secret::new(password)).await;
        }
        // Pairs that were connected with the old fields are of no use any more.
        self.pairs.lock().await.clear();
        self.endpoint_row(args.endpoint).await
    }

    async fn rename(&self, old: &str, new: &str) -> Result<(), ApiError> {
        let users = self.users_of(old).await?;
        if !users.is_empty() {
            let message = format!("“{old}” is used by {} and keeps its name.", users.join(", "));
            return Err(ApiError::new("refused", message, "Save it under a new name as a copy instead."));
        }
        if self.parts.store.endpoint(new).await.is_ok() {
            return Err(ApiError::new(
                "refused",
                format!("There is an endpoint “{new}” already."),
                "Choose another name.",
            ));
        }
        if let Some(secret) = self.parts.keychain.get(old).await? {
            self.parts.keychain.put(new, secret).await;
        }
        self.parts.keychain.forget(old).await;
        Ok(self.parts.store.delete_endpoint(old).await?)
    }

    pub(crate) async fn endpoint_delete(&self, args: ByName) -> Result<Nothing, ApiError> {
        let users = self.users_of(&args.name).await?;
        if !users.is_empty() {
            let message = format!("“{}” is used by {} and cannot be deleted.", args.name, users.join(", "));
            return Err(ApiError::new("refused", message, "Clean those migrations up first."));
        }
        self.parts.store.delete_endpoint(&args.name).await?;
        self.parts.keychain.forget(&args.name).await;
        Ok(Nothing {})
    }

    pub(crate) async fn endpoint_test(&self, args: SaveEndpoint) -> Result<EndpointTest, ApiError> {
        let problems = args.endpoint.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        let mut known = args.endpoint.clone();
        known.name = args.rename_from.unwrap_or(known.name);
        let password = match args.password {
            Some(typed) => Some(Secret::new(typed)),
            None => password_of(&known, &self.parts.keychain).await?,
        };
        let login = Login { endpoint: &args.endpoint, password: password.as_ref() };
        Ok(match probe(login).await {
            Ok(found) => EndpointTest {
                ok: true,
                sentence: format!(
                    "PostgreSQL {} answered in {:.0} ms. {}",
                    found.version, found.ms, found.tls_sentence
                ),
                version: Some(format!("PostgreSQL {}", found.version)),
                encrypted: Some(found.encrypted),
                tls: Some(found.tls_sentence),
                ms: Some(found.ms),
                remedy: None,
            },
            Err(e) => EndpointTest {
                ok: false,
                version: None,
                encrypted: None,
                tls: None,
                ms: None,
                sentence: e.sentence(),
                remedy: Some(e.remedy().to_owned()),
            },
        })
    }

    pub(crate) async fn endpoint_read_url(&self, args: PastedUrl) -> Result<ReadUrl, ApiError> {
        let parsed =
            parse_url(&args.url).map_err(|e| ApiError::new("invalid", e, "Correct the URL and paste it again."))?;
        Ok(ReadUrl { endpoint: parsed.endpoint, password: parsed.password })
    }

    pub(crate) async fn endpoint_importable(&self, _: Nothing) -> Result<Importable, ApiError> {
        let found = import::read().await;
        let services = found
            .services
            .iter()
            .map(|s| ImportableService { endpoint: s.endpoint.clone(), has_password: s.password.is_some() });
        Ok(Importable { services: services.collect(), problems: found.problems })
    }

    pub(crate) async fn endpoint_import(&self, args: ByName) -> Result<EndpointRow, ApiError> {
        let found = import::read().await;
        let Some(service) = found.services.into_iter().find(|s| s.endpoint.name == args.name) else {
            let message = format!("There is no service “{}” in pg_service.conf.", args.name);
            return Err(ApiError::new("not_found", message, "Open the list again; the file may have changed."));
        };
        if self.parts.store.endpoint(&args.name).await.is_ok() {
            let message = format!("There is an endpoint “{}” already.", args.name);
            return Err(ApiError::new("refused", message, "Rename or delete it first."));
        }
        let password = service.password.map(|p| p.expose().to_owned());
        self.endpoint_save(SaveEndpoint { endpoint: service.endpoint, password, rename_from: None }).await
    }

    pub(crate) async fn provide_password(&self, args: ProvidePassword) -> Result<Nothing, ApiError> {
        self.parts.keychain.put(&args.secret, Secret::new(args.password)).await;
        Ok(Nothing {})
    }
}

//! What an operator changes of what is said of a concert: from the words of the wire to the command of its sale.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::about::About;
use frontrow_protocol::ops::concert::{ConcertInfo, ConcertPatch};

use crate::desk::ops::pictures::Size;
use crate::desk::{Context, translate};
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::concert::TextsPatch;
use crate::domain::ids::ConcertId;
use crate::fanout::SaleView;
use crate::store::ConcertRecord;

impl Context {
    /// Changes what is said of a concert, if it is as the operator saw it.
    pub async fn describe(
        &self,
        concert: ConcertId,
        patch: ConcertPatch,
        by: &Actor,
    ) -> Result<ConcertInfo, ErrorObject> {
        let view = self.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
        let was = patch.was.unwrap_or_default();
        let was = texts("was.about", was.title, was.about.as_ref())?;
        if let Some(image) = patch.about.as_ref().and_then(|about| about.image_id.as_deref()) {
            self.has_picture(image).await?;
        }
        let patch = texts("about", patch.title, patch.about.as_ref())?;
        if patch != TextsPatch::default() {
            let reply = self
                .submit_and_wait(
                    concert,
                    Command::Describe { patch: Box::new(patch), was: Box::new(was), by: by.clone() },
                )
                .await;
            reply.map_err(|refusal| translate::refusal(&refusal))?;
        }
        Ok(info(&view))
    }

    async fn has_picture(&self, image: &str) -> Result<(), ErrorObject> {
        let unknown = || {
            ErrorObject::invalid_params(Some("about.image_id"), "`about.image_id`: there is no such picture")
        };
        let id = image.parse().map_err(|()| unknown())?;
        self.picture(id, Size::Small.width()).await?.map(drop).ok_or_else(unknown)
    }
}

/// As they are kept.
fn texts(field: &str, title: Option<String>, about: Option<&About>) -> Result<TextsPatch, ErrorObject> {
    let about = about.map(About::to_json).transpose();
    let about =
        about.map_err(|error| ErrorObject::invalid_params(Some(field), &format!("`{field}`: {error}")))?;
    Ok(TextsPatch {
        title: title.map(String::into_boxed_str),
        about: about.map(|about| about.map(String::into_boxed_str)),
    })
}

fn info(view: &SaleView) -> ConcertInfo {
    let concert = view.concert();
    ConcertInfo { concert_id: concert.id.0, title: concert.title.clone(), about: about_of(&concert) }
}

/// Texts of a newer server, which cannot be read, are left out.
pub(super) fn about_of(concert: &ConcertRecord) -> About {
    let about = concert.about.as_deref().and_then(|about| serde_json::from_str(about).ok());
    about.unwrap_or_default()
}

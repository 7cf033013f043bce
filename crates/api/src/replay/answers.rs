//! Which copy is asked what the source was asked, and what is to be said of that.

use switchyard_capture::{
    asked::{AnswersCompared, Asking},
    play::Pace,
    record::Answers,
};
use switchyard_engine::db::connect::UnderShadow;
use switchyard_shadow::Failure;

use crate::dto::ApiError;

/// Of one copy that one; of two the one of the source's version, since the source answered with that.
///
/// # Errors
/// When it cannot be reached, or its catalog does not answer.
pub(super) async fn asking(
    copies: Vec<(String, UnderShadow)>,
    answers: Answers,
    notes: &mut Vec<String>,
) -> Result<Option<Asking>, ApiError> {
    let unreached = |f: Failure| ApiError::new("failed", f.sentence, "See that it answers.");
    let is_alone = copies.len() == 1;
    for (at, copy) in copies {
        let (major, _) = copy.server().await.map_err(unreached)?;
        if !is_alone && major != answers.major {
            continue;
        }
        if !is_alone {
            notes.push(format!(
                "The source's answers are compared with those of {at}, which has its version: what differs there is the copies' state, not the \
                 version."
            ));
        }
        let effects = copy.effects().await.map_err(unreached)?;
        let asker = copy.asker().await.map_err(unreached)?;
        return Ok(Some(Asking { copy: Box::new(asker), seed: answers.seed, effects }));
    }
    notes.push(format!("The source's answers are not compared: no copy has its version, {}.", answers.major));
    Ok(None)
}

/// What is to be known of the answers, in sentences.
pub(super) fn remarks_of_answers(answers: &AnswersCompared, pace: Pace) -> Vec<String> {
    let mut out = Vec::new();
    if answers.not_asked > 0 && pace != Pace::OneByOne {
        out.push(format!(
            "{} answers of the source were not compared: that takes statements that are played one by one, which is so without --speed.",
            answers.not_asked
        ));
    }
    if answers.begins_otherwise() {
        out.push(
            "Most of the first answers differ: the copy's rows are of another time than the capture's begin, or something wrote on the source \
             that its log does not have."
                .to_owned(),
        );
    }
    if answers.more {
        out.push("More statements are answered otherwise than are listed.".to_owned());
    }
    out
}

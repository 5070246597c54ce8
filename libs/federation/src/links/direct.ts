// What both ends of a direct link know of each other's door.
export const messagesPath = '/writ/v1/messages';
export const sequenceType = 'application/x-writ-seq';
